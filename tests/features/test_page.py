from pathlib import Path

from openstack_rca.features.page import as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_of_the_features_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == as_markdown(), "run ./scripts/docs"
