"""A MatrixInfer API server in one process, for tests and for notebooks without a cluster."""
