"""Looks for third-party sentences in the fixtures.

    python3 check_texts.py FIXTURES DATASETS

Reads every text of the data sets under DATASETS (TSV, JSON, JSON lines, also gzip) and every string in the fixtures
(JSON, JSON lines, vocabularies). Reports a fixture string that equals a data set's text, that contains one of 8 characters
or more, or that shares six successive Chinese characters or five successive words with one. Exit status 1 if there is any.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

HAN_RUN, WORD_RUN = 6, 5


def strings(value) -> list[str]:
    """Every string inside a JSON value, keys too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [s for item in value for s in strings(item)]
    if isinstance(value, dict):
        return list(value) + [s for item in value.values() for s in strings(item)]
    return []


def runs(text: str) -> set[str]:
    """The text's runs of Chinese characters and of words, by which borrowed wording is recognised."""
    han = re.findall(r'[\u3400-\u9fff]+', text)
    found = {part[i:i + HAN_RUN] for part in han for i in range(len(part) - HAN_RUN + 1)}
    words = re.findall(r'[a-z0-9]+', text.lower())
    return found | {' '.join(words[i:i + WORD_RUN]) for i in range(len(words) - WORD_RUN + 1)}


def file_strings(path: Path) -> list[str]:
    """The texts of one file; a file of weights has none."""
    name = path.name.removesuffix('.gz')
    if name.endswith(('.safetensors', '.bin')):
        return []
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == '.gz' else data).decode('utf-8')
    if name.endswith('.json'):
        return strings(json.loads(text))
    lines = [line for line in text.split('\n') if line]
    if name.endswith('.jsonl'):
        return [s for line in lines for s in strings(json.loads(line))]
    return [field for line in lines for field in line.split('\t')]


class ThirdParty:
    """The texts that must not be in the fixtures."""

    def __init__(self, folder: Path):
        files = [p for p in sorted(folder.rglob('*')) if p.is_file() and p.suffix != '.md']
        texts = {s.strip() for p in files for s in file_strings(p)}
        # labels, numbers, column names and single words are not sentences
        self.texts = {t for t in texts if len(re.findall(r'[\u3400-\u9fff]|[A-Za-z]+', t)) >= 3}
        self.runs = {run for t in self.texts for run in runs(t)}
        self.long = {}
        for t in self.texts:
            if len(t) >= 8:
                self.long.setdefault(t[:8], []).append(t)

    def borrowed(self, text: str) -> str | None:
        """What `text` shares with a third-party text."""
        if text.strip() in self.texts:
            return 'equals a text'
        for i in range(len(text) - 7):
            for other in self.long.get(text[i:i + 8], []):
                if text.startswith(other, i):
                    return f'contains {other!r}'
        shared = runs(text) & self.runs
        return f'shares {sorted(shared)[:3]}' if shared else None


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    fixtures, third_party = Path(sys.argv[1]), ThirdParty(Path(sys.argv[2]))
    count, bad = 0, 0
    for path in sorted(p for p in fixtures.rglob('*') if p.is_file()):
        for text in dict.fromkeys(file_strings(path)):
            count += 1
            if why := third_party.borrowed(text):
                bad += 1
                print(f'{path.relative_to(fixtures)}: {text!r} {why}')
    print(f'{count} strings checked against {len(third_party.texts)} texts: {bad} borrowed')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
