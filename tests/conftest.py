import os

import hypothesis

os.environ.pop("ANTHROPIC_API_KEY", None)  # no test may ask the real service; those of the analyst bring their own

hypothesis.settings.register_profile("ci", derandomize=True)  # what fails there must fail again here
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")
