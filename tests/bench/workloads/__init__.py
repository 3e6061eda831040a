"""The workloads: what is measured, each as one function of a session."""
