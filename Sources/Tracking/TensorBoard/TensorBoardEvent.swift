internal import Files

/// The name under which TensorBoard shows a series of values, and what it says about it.
struct TensorBoardTag {
    /// The name in UTF-8; what stands before the first slash groups it with others.
    let name: [UInt8]
    /// One sentence for the reader, shown beside the chart.
    let summary: String

    init(_ name: String, _ summary: String) {
        self.name = Array(name.utf8)
        self.summary = summary
    }
}

/// One record of an event file: TensorFlow's message `Event`, as far as it is needed here.
enum TensorBoardEvent {
    /// A number of a series; its first in the file says what the series is.
    struct Scalar {
        var tag: TensorBoardTag
        var value: Float
        var isFirst: Bool
    }

    /// The first record of every file: which version of the format follows, and who wrote it.
    static func version(time: Double) -> [UInt8] {
        event(time: time, step: 0) { event in
            event.string(3, "brain.Event:2")
            event.message(10) { $0.string(1, "swift-uniem") }
        }
    }

    /// Says that a process begins with `step`: whatever earlier files say of this step and later ones is void.
    static func sessionStart(time: Double, step: Int) -> [UInt8] {
        // SessionLog.START is 1.
        event(time: time, step: step) { $0.message(7) { $0.int(1, 1) } }
    }

    /// Numbers of one step.
    static func scalars(_ scalars: [Scalar], time: Double, step: Int) -> [UInt8] {
        event(time: time, step: step) { event in
            event.message(5) { summary in
                for scalar in scalars {
                    summary.message(1) { value in
                        value.bytes(1, scalar.tag.name)
                        value.floatChoice(2, scalar.value)
                        guard scalar.isFirst else { return }
                        metadata(
                            "scalars", dataClass: .scalar, summary: scalar.tag.summary, to: &value)
                    }
                }
            }
        }
    }

    /// A text in Markdown.
    static func text(_ tag: TensorBoardTag, _ text: String, time: Double, step: Int) -> [UInt8] {
        event(time: time, step: step) { event in
            event.message(5) { summary in
                summary.message(1) { value in
                    value.bytes(1, tag.name)
                    value.message(8) { tensor in
                        // DT_STRING, and a shape without dimensions.
                        tensor.int(1, 7)
                        tensor.message(2) { _ in }
                        tensor.stringChoice(8, text)
                    }
                    metadata("text", dataClass: .tensor, summary: tag.summary, to: &value)
                }
            }
        }
    }

    /// What the tab of hyper-parameters knows of the run: numbers, truth values and strings by name.
    static func hyperParameters(
        _ parameters: [(name: String, value: JSON)], time: Double, step: Int
    ) -> [UInt8] {
        session("_hparams_/session_start_info", time: time, step: step) { content in
            content.message(3) { session in
                for (name, value) in parameters {
                    session.message(1) { entry in
                        entry.string(1, name)
                        entry.message(2) { hyperParameter(value, to: &$0) }
                    }
                }
                session.double(5, time)
            }
        }
    }

    /// Tells the tab of hyper-parameters that the run is a success.
    static func sessionEnd(time: Double, step: Int) -> [UInt8] {
        session("_hparams_/session_end_info", time: time, step: step) { content in
            content.message(4) { session in
                // STATUS_SUCCESS
                session.int(1, 1)
                session.double(2, time)
            }
        }
    }

    /// A `google.protobuf.Value`. Whole numbers that a `double` cannot hold, and lists, become text.
    private static func hyperParameter(_ value: JSON, to writer: inout ProtobufWriter) {
        switch value {
        case .bool(let value): writer.boolChoice(4, value)
        case .string(let text): writer.stringChoice(3, text)
        case .number(let text):
            let isWhole = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D }
            let limit = isWhole ? 0x1p53 : Double.infinity
            if let number = Double(text), number.magnitude < limit {
                writer.doubleChoice(2, number)
            } else {
                writer.stringChoice(3, text)
            }
        default: writer.stringChoice(3, value.text())
        }
    }

    private enum DataClass: Int {
        case scalar = 1
        case tensor = 2
    }

    private static func event(
        time: Double, step: Int, _ body: (inout ProtobufWriter) -> Void
    ) -> [UInt8] {
        var event = ProtobufWriter()
        event.double(1, time)
        event.int(2, step)
        body(&event)
        return event.bytes
    }

    /// `SummaryMetadata`: which part of TensorBoard shows a value, and how it is stored.
    private static func metadata(
        _ plugin: String, content: [UInt8] = [], dataClass: DataClass, summary: String,
        to value: inout ProtobufWriter
    ) {
        value.message(9) { metadata in
            metadata.message(1) { data in
                data.string(1, plugin)
                data.bytes(2, content)
            }
            metadata.string(3, summary)
            metadata.int(4, dataClass.rawValue)
        }
    }

    /// A message of the hparams plugin, which reads the metadata alone; the value is an empty list of floats.
    private static func session(
        _ tag: String, time: Double, step: Int, _ body: (inout ProtobufWriter) -> Void
    ) -> [UInt8] {
        var content = ProtobufWriter()
        body(&content)
        return event(time: time, step: step) { event in
            event.message(5) { summary in
                summary.message(1) { value in
                    value.string(1, tag)
                    value.message(8) { tensor in
                        // DT_FLOAT, and a shape of one dimension of size 0.
                        tensor.int(1, 1)
                        tensor.message(2) { $0.message(2) { _ in } }
                    }
                    metadata(
                        "hparams", content: content.bytes, dataClass: .tensor, summary: "",
                        to: &value)
                }
            }
        }
    }
}
