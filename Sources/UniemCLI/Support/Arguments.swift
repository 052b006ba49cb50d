public import ArgumentParser
public import Uniem

extension Pooling: ExpressibleByArgument {}
extension ModelType: ExpressibleByArgument {}
extension LossName: ExpressibleByArgument {}
extension DecayRule: ExpressibleByArgument {}
extension MixedPrecision: ExpressibleByArgument {}
extension ScheduleName: ExpressibleByArgument {}
extension MixturePlan.Rule: ExpressibleByArgument {}
extension TrainingConfiguration.ShuffleOrder: ExpressibleByArgument {}

/// A number, or `auto` for one that the program chooses.
enum Automatic<Value: ExpressibleByArgument & Equatable & Sendable>:
    ExpressibleByArgument, Equatable, Sendable
{
    case auto
    case value(Value)

    init?(argument: String) {
        if argument == "auto" {
            self = .auto
        } else if let value = Value(argument: argument) {
            self = .value(value)
        } else {
            return nil
        }
    }

    /// The number; `nil` for `auto`.
    var value: Value? { if case .value(let value) = self { value } else { nil } }

    var defaultValueDescription: String {
        switch self {
        case .auto: "auto"
        case .value(let value): value.defaultValueDescription
        }
    }
}

/// A new name for a column: `old=new`.
struct Renaming: ExpressibleByArgument, Equatable, Sendable {
    var old: String
    var new: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        (old, new) = (String(parts[0]), String(parts[1]))
    }
}

/// Parameters with settings of their own: `pattern=rate` or `pattern=rate,decay`, either left out by `-`.
struct GroupArgument: ExpressibleByArgument, Equatable, Sendable {
    var group: ParameterGroup

    init?(argument: String) {
        // The pattern may hold "=": numbers do not.
        guard let equals = argument.lastIndex(of: "=") else { return nil }
        let numbers = argument[argument.index(after: equals)...].split(
            separator: ",", omittingEmptySubsequences: false)
        guard (1...2).contains(numbers.count) else { return nil }
        func number(_ text: Substring) -> Double?? {
            text == "-" ? .some(nil) : Double(text).map { .some($0) }
        }
        guard let rate = number(numbers[0]),
            let decay = numbers.count == 2 ? number(numbers[1]) : .some(nil)
        else { return nil }
        group = ParameterGroup(
            pattern: String(argument[..<equals]), learningRate: rate, weightDecay: decay)
    }
}

/// What a value may be. Each check throws a `ValidationError`, which is bad usage.
enum Check {
    /// Whole numbers in `range`.
    static func whole(_ option: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError(
            "\(option) \(value): expected a whole number from \(range.lowerBound) to \(range.upperBound)"
        )
    }

    /// Finite numbers for which `isGood`; `expected` says which.
    static func number(
        _ option: String, _ value: Double?, _ expected: String, _ isGood: (Double) -> Bool
    ) throws {
        guard let value, !(value.isFinite && isGood(value)) else { return }
        throw ValidationError("\(option) \(value): expected \(expected)")
    }

    /// No empty text.
    static func filled(_ option: String, _ value: String?) throws {
        guard let value, value.isEmpty else { return }
        throw ValidationError("\(option): expected a value, found an empty one")
    }
}
