/// Bounds on what a file can make the reader allocate or walk through.
enum Limits {
    /// The footer, in bytes.
    static let footerBytes = 64 << 20
    /// Columns and groups of the schema.
    static let schemaElements = 1 << 16
    /// The header of a page (statistics included), in bytes.
    static let pageHeaderBytes = 16 << 20
    /// A page, compressed or not, in bytes.
    static let pageBytes = 256 << 20
    /// A dictionary page, not compressed, in bytes.
    static let dictionaryBytes = 32 << 20
    /// What the pages and dictionaries of all columns take at a time, in bytes.
    static let heldBytes = 1 << 30
    /// Structures and lists within each other in Thrift data.
    static let thriftDepth = 32
}

/// What is wrong with a piece of a file, before it is known which file and where.
struct Malformed: Error {
    static let damaged = "the file is damaged or was cut short; fetch or write it again"

    var problem: String
    var remedy = damaged

    init(_ problem: String, remedy: String = damaged) {
        self.problem = problem
        self.remedy = remedy
    }
}
