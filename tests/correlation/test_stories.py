import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases import lab
from tests.correlation.tables import log_table, novel

from openstack_rca.correlation import asked_roots, failed_roots, follow, load_topology, understand, with_root

UUID = "7b4f29f9-0d47-4eb9-a569-b1da1bd6e8c3"


def line(local: str | None, glob: str | None = None, **more: object) -> dict[str, object]:
    return {"message": "m", "request_id": local, "global_request_id": glob, **more}


def roots(*rows: dict[str, object]) -> list[str | None]:
    return with_root(log_table(*rows))["root"].to_list()


def test_a_callee_belongs_to_the_request_of_its_caller() -> None:
    assert roots(line("req-a"), line("req-b", "req-a"), line("req-b"), line("req-c")) == ["req-a"] * 3 + ["req-c"]


def test_chains_are_followed_to_their_beginning() -> None:
    assert roots(line("req-c", "req-b"), line("req-b", "req-a"), line("req-a")) == ["req-a"] * 3


def test_lines_without_ids_have_no_root() -> None:
    assert roots(line(None), line("req-a")) == [None, "req-a"]
    assert roots(line(None)) == [None]


def test_circles_end() -> None:
    assert len(roots(line("req-a", "req-b"), line("req-b", "req-a"), line("req-c", "req-c"))) == 3


@settings(deadline=None)  # machines are loaded
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd") | st.none()), min_size=1, max_size=20))
def test_whatever_the_ids_every_record_keeps_its_place(pairs: list[tuple[str, str | None]]) -> None:
    table = with_root(log_table(*(line(local, glob) for local, glob in pairs)))
    assert table["record"].to_list() == list(range(len(pairs)))
    assert table["root"].null_count() == 0


def test_a_question_names_requests_by_id_or_by_what_they_touch() -> None:
    table = with_root(
        log_table(line("req-a"), line("req-b", resources=[UUID]), line("req-c", instance=UUID), line("req-d"))
    )
    question = understand(f"server {UUID}", load_topology(), ())
    assert asked_roots(table, question) == ["req-b", "req-c"]
    assert asked_roots(table, understand("nothing named", load_topology(), ())) == []


def test_requests_that_failed_for_a_user_over_many_services_come_first() -> None:
    table = novel(
        with_root(
            log_table(
                line("req-ok", project="p"),
                line("req-periodic", level="ERROR"),
                line("req-user", project="p", level="ERROR"),
                line("req-user", service="nova-compute"),
            )
        )
    )
    assert failed_roots(table) == ["req-user", "req-periodic"]
    assert failed_roots(table, most=1) == ["req-user"]


def test_a_story_goes_from_hop_to_hop_in_order_of_time() -> None:
    table = with_root(
        log_table(
            line("req-a", at=5.0, service="nova-conductor", level="ERROR"),
            line("req-a", at=1.0, service="nova-api"),
            line("req-b", "req-a", at=2.0, service="glance-api", message='"GET /v2/images/x HTTP/1.1" 503 9'),
        )
    )
    (story,) = follow(table, ["req-a", "req-missing"])
    assert [(h.service, h.failed) for h in story.hops] == [
        ("nova-api", False), ("glance-api", True), ("nova-conductor", True),
    ]  # fmt: skip
    assert story.failed
    assert story.hops[0].records == (1,)


def test_a_real_request_is_followed_from_nova_to_placement() -> None:
    table = with_root(lab.table("nova-scheduler-down"))
    candidates = table.filter(
        pl.col("message").str.contains("GET /allocation_candidates") & pl.col("global_request_id").is_not_null()
    )
    (story,) = follow(table, [candidates["root"][0]])
    services = [h.service for h in story.hops]
    assert services.index("nova-api") < services.index("placement-api")


def test_requests_are_found_by_the_name_of_a_server_too() -> None:
    table = with_root(
        log_table(
            line("req-a") | {"message": "Server web-1 is being built"},
            line("req-b") | {"message": "Server web-11 is being built"},
            line("req-a"),
            line(None) | {"message": "web-1"},
        )
    )
    assert asked_roots(table, understand("Where is web-1?", load_topology(), ())) == ["req-a"]


def test_a_name_that_every_request_holds_names_none() -> None:
    table = with_root(log_table(*(line(f"req-{n}") | {"message": "in region eu-west"} for n in range(60))))
    assert asked_roots(table, understand("What is wrong in eu-west?", load_topology(), ())) == []
