"""The cases from practice that lie beside the repository, each with the value that is right."""
