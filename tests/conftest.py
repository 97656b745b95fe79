import os

os.environ.pop("ANTHROPIC_API_KEY", None)  # no test may ask the real service; those of the analyst bring their own
