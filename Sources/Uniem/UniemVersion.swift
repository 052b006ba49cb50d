/// The version of this library.
public let uniemVersion = "0.1.0"
