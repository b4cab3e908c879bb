//! JSONPath as StackStorm queries payloads.
