internal import Files

extension ConfigReader {
    /// The base of rotary angles: `rope_theta` in `parameters` (the newer `rope_parameters`), or `key` at the top.
    ///
    /// Throws a ``FileError`` for scaled or otherwise changed angles.
    func rotaryBase(
        _ parameters: JSON?, _ key: String, default fallback: Double
    ) throws(FileError) -> Double {
        try refuse("rope_scaling") { $0["rope_type"]?.string == "default" }
        guard let parameters, !parameters.isNull else {
            return try double(key, 1...1e12, default: fallback)
        }
        let inner = ConfigReader(json: parameters, path: path)
        try inner.refuse("rope_type") { $0.string == "default" }
        try inner.refuse("partial_rotary_factor") { $0.double == 1 }
        return try inner.double(
            "rope_theta", 1...1e12, default: try double(key, 1...1e12, default: fallback))
    }

    /// Which of `layers` layers see only a window: as `layer_types` lists them, or as `isLocal` says.
    func windowedLayers(
        _ layers: Int, default isLocal: (Int) -> Bool
    ) throws(FileError) -> [Bool] {
        guard let list = json["layer_types"], !list.isNull else {
            return (0..<layers).map(isLocal)
        }
        guard let types = list.array, types.count == layers else {
            throw error("layer_types", "expected one for each of \(layers) layers")
        }
        var result: [Bool] = []
        for type in types {
            switch type.string {
            case "full_attention": result.append(false)
            case "sliding_attention": result.append(true)
            default: throw error("layer_types", "\(type.text()) is not supported")
            }
        }
        return result
    }
}
