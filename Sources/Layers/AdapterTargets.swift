extension ParameterStore {
    /// The linear layers that get an adapter by `settings`, in the order of the model; those of `usual` where it names
    /// none.
    ///
    /// Names are those of PEFT's `target_modules`: a name stands for the layer of exactly that name, and all whose
    /// names end with a dot and it. Throws an ``AdapterError`` for a name or pattern that no layer has.
    public func linearLayers(
        for settings: LoRA, usual: [String]
    ) throws(AdapterError) -> [LinearLayer] {
        if let pattern = settings.targetPattern { return try linearLayers(matching: pattern) }
        let targets = settings.targets ?? usual
        if targets == [LoRA.everyLinearLayer] { return linearLayers }
        guard !targets.isEmpty else {
            throw .invalid("no layers", "name some of: " + shortNames.joined(separator: ", "))
        }
        for target in targets where !linearLayers.contains(where: { $0.isNamed(target) }) {
            throw .unknownTarget(target, known: shortNames)
        }
        return linearLayers.filter { layer in targets.contains { layer.isNamed($0) } }
    }

    private func linearLayers(matching pattern: String) throws(AdapterError) -> [LinearLayer] {
        let expression: Regex<AnyRegexOutput>
        do {
            expression = try Regex(pattern)
        } catch {
            throw .badPattern(pattern, problem: "is no regular expression", known: shortNames)
        }
        let found = linearLayers.filter { (try? expression.wholeMatch(in: $0.name)) != nil }
        guard !found.isEmpty else {
            throw .badPattern(
                pattern, problem: "matches the whole name of no linear layer", known: shortNames)
        }
        return found
    }

    /// The last parts of the names of linear layers, each once.
    public var shortNames: [String] {
        var names: [String] = []
        for layer in linearLayers {
            let name = layer.name.split(separator: ".").last.map(String.init) ?? layer.name
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}

extension LinearLayer {
    /// Whether `target` is the name of this layer, or what its name ends with behind a dot.
    package func isNamed(_ target: String) -> Bool {
        name == target || name.hasSuffix("." + target)
    }
}
