"""The dashboard: five Streamlit pages over the pipeline; `app.py` is what Streamlit runs."""
