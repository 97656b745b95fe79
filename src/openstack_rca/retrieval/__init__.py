"""Queries to ranked lines: embeddings, the vector store, TF-IDF, and their fusion."""
