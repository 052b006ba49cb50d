// One `import Uniem` is enough for users.
@_exported public import Embedders
@_exported public import Encoders
@_exported public import Files
@_exported public import Hub
@_exported public import Layers
@_exported public import Records
@_exported public import Tensors
@_exported public import Tracking
