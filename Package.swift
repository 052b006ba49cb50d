// swift-tools-version: 6.3
import PackageDescription

/// Unsafe build flags are refused in a package that is a dependency; there, a release build is optimised anyway.
let isDependency = Context.packageDirectory.contains("/checkouts/")

/// The kernels are optimised in debug builds too, so that tests run the code that users run.
let kernelFlags: [CSetting] =
    isDependency ? [] : [.unsafeFlags(["-O3"]), .treatAllWarnings(as: .error)]

let package = Package(
    name: "swift-uniem",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Uniem", targets: ["Uniem"]),
        .executable(name: "uniem", targets: ["UniemCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // L0
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CSnappy", pkgConfig: "snappy",
            providers: [.apt(["libsnappy-dev"]), .brew(["snappy"])]),
        .systemLibrary(
            name: "CZstd", pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .target(name: "CKernels", cSettings: kernelFlags),
        .target(name: "Files", dependencies: ["CZlib"]),
        .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS"]),

        // L1
        .target(name: "Layers", dependencies: ["Tensors"]),
        .target(name: "Tokenizers", dependencies: ["Files"]),
        .target(name: "Parquet", dependencies: ["CSnappy", "CZlib", "CZstd", "Files"]),
        .target(name: "Records", dependencies: ["Files", "Parquet"]),
        .target(name: "Tracking", dependencies: ["Files"]),

        // L2
        .target(name: "Encoders", dependencies: ["Files", "Layers", "Tensors"]),
        .target(
            name: "Checkpoints",
            dependencies: [
                "CZlib", "Files", "Layers", "Tensors",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "Hub",
            dependencies: [
                "Files",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Yams", package: "Yams"),
            ]),

        // L3
        .target(
            name: "Embedders",
            dependencies: ["Checkpoints", "Encoders", "Files", "Layers", "Tensors", "Tokenizers"]),

        // L4
        .target(
            name: "Uniem",
            dependencies: [
                "Checkpoints", "Embedders", "Encoders", "Files", "Hub", "Layers", "Records",
                "Tensors", "Tokenizers", "Tracking", "RunStore",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "RunStore",
            dependencies: ["Files", "Tracking", .product(name: "GRDB", package: "GRDB.swift")]),

        // L6
        .executableTarget(
            name: "UniemCLI",
            dependencies: [
                "Uniem", "RunStore", "Files", "Tracking", "Tokenizers", "Layers", "Checkpoints",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "Files", "Tensors", "Tokenizers", "Tracking", "Uniem",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Tests
        .target(
            name: "TestSupport", dependencies: ["Files", "Tensors"], path: "Tests/TestSupport"),
        .testTarget(name: "FilesTests", dependencies: ["Files"]),
        .testTarget(
            name: "TensorsTests", dependencies: ["Tensors", "CKernels", "Files", "TestSupport"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "Files", "TestSupport"]),
        .testTarget(
            name: "ParquetTests", dependencies: ["Parquet", "CSnappy", "CZlib", "CZstd", "Files"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "RecordsTests", dependencies: ["Records", "Files", "TestSupport"],
            exclude: ["Goldens"]),
        .testTarget(
            name: "HubTests",
            dependencies: [
                "Hub", "Files", "TestSupport", "Tokenizers", "Uniem",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(name: "TrackingTests", dependencies: ["Tracking", "Files", "TestSupport"]),
        .testTarget(
            name: "CheckpointsTests",
            dependencies: ["Checkpoints", "Layers", "Tensors", "Files", "TestSupport"]),
        .testTarget(
            name: "EncodersTests",
            dependencies: [
                "Encoders", "Checkpoints", "Layers", "Tensors", "Files", "TestSupport",
            ]),
        .testTarget(
            name: "EmbeddersTests",
            dependencies: [
                "Embedders", "Encoders", "Checkpoints", "Layers", "Tensors", "Tokenizers", "Files",
                "TestSupport",
            ]),
        .testTarget(
            name: "RunStoreTests",
            dependencies: [
                "RunStore", "Tracking", "Files", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "UniemTests",
            dependencies: [
                "Uniem", "Checkpoints", "Layers", "RunStore", "Tokenizers", "TestSupport",
            ]),
        .testTarget(
            name: "UniemCLITests",
            dependencies: [
                "UniemCLI", "Uniem", "RunStore", "Files", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Help"]),
    ],
    swiftLanguageModes: [.v6]
)

// Fuzz targets: `Scripts/fuzz` builds them with libFuzzer.
if Context.environment["UNIEM_FUZZ"] == "1" {
    let readers = [
        ("ParquetFuzz", "Parquet"), ("PickleFuzz", "Checkpoints"),
        ("SafetensorsFuzz", "Checkpoints"), ("SentencePieceFuzz", "Tokenizers"),
        ("TokenizerJSONFuzz", "Tokenizers"),
    ]
    package.targets.append(.target(name: "FuzzSupport", path: "Tests/Fuzzing/FuzzSupport"))
    for (name, module) in readers {
        package.targets.append(
            .executableTarget(
                name: name, dependencies: ["FuzzSupport", .target(name: module)],
                path: "Tests/Fuzzing/" + name,
                swiftSettings: [.unsafeFlags(["-parse-as-library"])]))
    }
}

for target in package.targets where [.regular, .executable, .test].contains(target.type) {
    guard target.name != "CKernels" else { continue }
    var settings: [SwiftSetting] = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]
    if !isDependency { settings.append(.treatAllWarnings(as: .error)) }
    // Only Tensors works with unsafe memory all over; elsewhere each use is spelled out.
    if target.name != "Tensors" { settings.append(.strictMemorySafety()) }
    target.swiftSettings = (target.swiftSettings ?? []) + settings
}
