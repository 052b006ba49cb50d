public import Records
public import Tensors

/// A loss over the embeddings of a batch: it sees vectors only, never the model.
public protocol EmbeddingLoss: Sendable {
    /// The kind of record it is for; fixes the number and order of columns.
    var kind: RecordKind { get }
    /// Its name, as in `--loss`.
    var name: String { get }
    /// The fewest rows for which it has a value.
    var minimumRows: Int { get }

    /// The loss, a scalar, of `columns` (each [B, H], in the order of the record's fields).
    ///
    /// - Parameter labels: the scores of scored pairs [B]; `nil` for other kinds.
    func callAsFunction(_ columns: [Tensor], labels: [Double]?, on tape: inout Tape) -> Tensor

    /// What the loss says of each row, for the record of the run; `nil` where it cannot tell rows apart.
    func rows(_ columns: [Tensor], labels: [Double]?) -> [LossRow]?

    /// Whether the loss of a batch is the mean of what its rows would have by themselves, so that the mean over small
    /// batches is that of a large one. Losses that compare the rows of a batch are not.
    var isMeanOverRows: Bool { get }
}

extension EmbeddingLoss {
    /// Nothing is told of single rows.
    public func rows(_ columns: [Tensor], labels: [Double]?) -> [LossRow]? { nil }
    /// Most losses of embeddings compare rows.
    public var isMeanOverRows: Bool { false }
}

/// Contrastive loss over pairs (`text`, `text_pos`): each row's positive against the other rows' positives.
///
/// Inputs: [B, H], [B, H]. Negatives are the other rows of the batch, so larger batches are harder and duplicate
/// texts in a batch are false negatives.
public struct PairInBatchLoss: EmbeddingLoss {
    /// Softmax (InfoNCE) or sigmoid.
    public let form: ContrastiveForm
    /// Divides cosines; 0.05 in uniem.
    public let temperature: Double
    /// `softmax`, `sigmoid` or `cosent`.
    public let name: String

    /// A loss of the given form. uniem's `cosent` for pairs is arithmetically its softmax.
    public init(form: ContrastiveForm = .softmax, temperature: Double = 0.05, name: String? = nil) {
        (self.form, self.temperature, self.name) = (form, temperature, name ?? form.rawValue)
    }

    /// Pairs.
    public var kind: RecordKind { .pair }
    /// The mean over negatives of the sigmoid form has no value without negatives.
    public var minimumRows: Int { form == .sigmoid ? 2 : 1 }

    /// The loss of two columns.
    public func callAsFunction(_ columns: [Tensor], labels: [Double]?, on tape: inout Tape)
        -> Tensor
    {
        precondition(columns.count == 2, "a pair loss of \(columns.count) columns")
        return tape.inBatchLoss(columns[0], columns[1], form: form, temperature: temperature)
    }

    /// Loss, similarity and rank of each row, and its closest negative.
    public func rows(_ columns: [Tensor], labels: [Double]?) -> [LossRow]? {
        LossRow.contrastive(columns[0], columns[1], form: form, temperature: temperature)
    }
}

/// Contrastive loss over triplets (`text`, `text_pos`, `text_neg`): each row's positive against all rows' negatives.
public struct TripletInBatchLoss: EmbeddingLoss {
    /// Softmax (InfoNCE) or sigmoid.
    public let form: ContrastiveForm
    /// Divides cosines; 0.05 in uniem.
    public let temperature: Double
    /// Whether the pair loss of (`text_pos`, `text`) is added: uniem's `add_swap_loss`.
    public let addsSwapLoss: Bool
    /// `softmax`, `sigmoid` or `cosent`.
    public let name: String

    /// A loss of the given form. uniem's `cosent` for triplets is arithmetically its softmax.
    public init(
        form: ContrastiveForm = .softmax, temperature: Double = 0.05, addsSwapLoss: Bool = false,
        name: String? = nil
    ) {
        (self.form, self.temperature, self.addsSwapLoss) = (form, temperature, addsSwapLoss)
        self.name = name ?? form.rawValue
    }

    /// Triplets.
    public var kind: RecordKind { .triplet }
    /// The sigmoid swap loss needs another row.
    public var minimumRows: Int { form == .sigmoid && addsSwapLoss ? 2 : 1 }

    /// The loss of three columns.
    public func callAsFunction(_ columns: [Tensor], labels: [Double]?, on tape: inout Tape)
        -> Tensor
    {
        precondition(columns.count == 3, "a triplet loss of \(columns.count) columns")
        let loss = tape.tripletLoss(
            columns[0], columns[1], columns[2], form: form, temperature: temperature)
        guard addsSwapLoss else { return loss }
        let swap = tape.inBatchLoss(columns[1], columns[0], form: form, temperature: temperature)
        return tape.add(loss, swap)
    }

    /// Loss, similarity and rank of each row, and its closest negative; without the swap loss.
    public func rows(_ columns: [Tensor], labels: [Double]?) -> [LossRow]? {
        LossRow.contrastive(
            columns[0], positives: columns[1], columns[2], form: form, temperature: temperature)
    }
}

/// The CoSENT loss (Su 2022) over scored pairs (`sentence1`, `sentence2`, `label`): pairs with a higher label should
/// have the higher cosine; only the order of labels counts.
public struct CoSENTLoss: EmbeddingLoss {
    /// Divides cosines; 0.05 in uniem.
    public let temperature: Double

    /// A loss at `temperature`.
    public init(temperature: Double = 0.05) { self.temperature = temperature }

    /// Scored pairs.
    public var kind: RecordKind { .scoredPair }
    /// `cosent`.
    public var name: String { "cosent" }
    /// One row has loss 0.
    public var minimumRows: Int { 1 }

    /// The loss of two columns and their labels.
    public func callAsFunction(_ columns: [Tensor], labels: [Double]?, on tape: inout Tape)
        -> Tensor
    {
        guard let labels, columns.count == 2 else {
            preconditionFailure("CoSENT of \(columns.count) columns, labels \(labels?.count ?? 0)")
        }
        return tape.coSENTLoss(columns[0], columns[1], labels: labels, temperature: temperature)
    }

    /// The similarity of each row and its share of the loss.
    public func rows(_ columns: [Tensor], labels: [Double]?) -> [LossRow]? {
        labels.map {
            LossRow.coSENT(columns[0], columns[1], labels: $0, temperature: temperature)
        }
    }
}

/// The losses by name.
public enum LossName: String, CaseIterable, Sendable {
    /// Cross-entropy in the batch.
    case softmax
    /// Sigmoid in the batch.
    case sigmoid
    /// CoSENT.
    case cosent

    /// What uniem uses for records of `kind`.
    public static func standard(for kind: RecordKind) -> LossName {
        kind == .scoredPair ? .cosent : .softmax
    }

    /// The loss of this name for records of `kind`; throws a ``TrainingError`` where there is none.
    public func make(
        for kind: RecordKind, temperature: Double, addsSwapLoss: Bool = false
    ) throws(TrainingError) -> any EmbeddingLoss {
        guard temperature > 0, temperature.isFinite else {
            throw .invalid("temperature \(temperature)", "give a number above 0, such as 0.05")
        }
        guard !addsSwapLoss || kind == .triplet else {
            throw .invalid(
                "the swap loss is for triplets, the data are \(kind.plural)", "leave it out")
        }
        let form: ContrastiveForm = self == .sigmoid ? .sigmoid : .softmax
        switch kind {
        case .pair: return PairInBatchLoss(form: form, temperature: temperature, name: rawValue)
        case .triplet:
            return TripletInBatchLoss(
                form: form, temperature: temperature, addsSwapLoss: addsSwapLoss, name: rawValue)
        case .scoredPair:
            guard self == .cosent else {
                throw .invalid("loss \(rawValue) does not fit scored pairs", "use cosent")
            }
            return CoSENTLoss(temperature: temperature)
        }
    }
}
