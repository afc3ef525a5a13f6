"""The close codes of the client are those of protocol/codes.ts."""

import re
import unittest
from pathlib import Path

from sluice_client.errors import BUSY, FINAL, final_error

CODES = Path(__file__).resolve().parents[3] / "protocol" / "codes.ts"


def close_codes() -> dict[int, tuple[str, bool]]:
    """Of each close code the code that it closes with, and whether that is worth another try."""
    entry = re.compile(r"^  (\w+): \{(.*?)\},$", re.MULTILINE | re.DOTALL)
    found = {}
    for name, fields in entry.findall(CODES.read_text()):
        number = re.search(r"closeCode: (\d+)", fields)
        if number:
            found[int(number[1])] = (name, "retryable: true" in fields)
    return found


class CloseCodes(unittest.TestCase):
    def test_are_read_from_the_table_of_the_protocol(self) -> None:
        self.assertEqual(len(close_codes()), CODES.read_text().count("closeCode: "))
        self.assertGreater(len(close_codes()), 10)

    def test_are_final_where_the_table_says_not_to_retry_with_its_code(self) -> None:
        final = {number: name for number, (name, retryable) in close_codes().items() if not retryable}
        self.assertEqual(FINAL, final)

    def test_are_all_final_from_4500_on_and_none_of_the_others(self) -> None:
        for number in range(4000, 5000):
            error = final_error(number, "")
            self.assertEqual(number >= 4500, error is not None, number)
        for number in (1000, 1001, 1006, 1011, 1012, 1013):
            self.assertIsNone(final_error(number, ""))

    def test_ask_for_a_moment_where_the_gateway_is_busy(self) -> None:
        busy = ("shutting_down", "overloaded", "rate_limited")
        self.assertEqual(sorted(BUSY), sorted(number for number, (name, _) in close_codes().items() if name in busy))


if __name__ == "__main__":
    unittest.main()
