"""Follow-up questions to the language model, answered beside the page, the text shown as it comes."""

from dataclasses import dataclass, field

from openstack_rca.correlation import load_topology
from openstack_rca.dashboard.work import Tell
from openstack_rca.diagnosis.claude import Chat, ChatAnswer
from openstack_rca.records import Report
from openstack_rca.settings import Settings


@dataclass
class Talk:
    """A conversation about one report, begun with the first question; `heard` is the reply as far as it has come."""

    report: Report
    heard: list[str] = field(default_factory=list)
    chat: Chat | None = None

    def ask(self, question: str, settings: Settings, tell: Tell) -> ChatAnswer:
        """Return the checked answer; raises UnavailableError when there is none, Stopped when the user stops it."""
        self.heard.clear()
        if self.chat is None:
            self.chat = Chat(settings, self.report, load_topology())

        def hear(text: str) -> None:
            tell("the model answers")
            self.heard.append(text)

        tell("asking the model")
        return self.chat.ask(question, hear)

    def so_far(self) -> str:
        """Return the text of the answer that has come so far, which nobody has checked yet."""
        return "".join(self.heard)
