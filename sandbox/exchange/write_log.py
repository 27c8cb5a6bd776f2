"""Which requests to change something have arrived, answered or not: what proves that nothing was sent twice."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

_WRITES = ("POST", "PUT", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request that could change something, and the client ids it named; time in milliseconds."""

    at: int
    method: str
    path: str
    client_ids: tuple[str, ...]


class WriteLog:
    """Note every write as it arrives."""

    def __init__(self) -> None:
        self.writes: list[Write] = []

    def note(self, method: str, path: str, sent: Mapping[str, str], at: int) -> None:
        """Note a request, if it is a write."""
        if method in _WRITES:
            ids = tuple(value for name, value in sent.items() if name.lower().endswith("clientorderid") and value)
            self.writes.append(Write(at=at, method=method, path=path, client_ids=ids))

    def by_client_id(self) -> Counter[str]:
        """Count the writes by the client ids that they named."""
        return Counter(client_id for write in self.writes for client_id in write.client_ids)
