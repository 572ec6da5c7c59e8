"""The generator: an OpenAPI document in, a package of typed Kubernetes resources out.

Four stages, a module or two each: `document` reads, `understand` turns what was read into the
vocabulary of `ir`, `render` turns that into text, `output` writes or compares. `drift` compares the
document with CustomResourceDefinitions. Nothing here knows what any document is about.
"""
