"""The five pages; Streamlit runs the file of the one that is open."""
