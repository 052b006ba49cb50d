"""The Python side of `Scripts/benchmark-peers`: one measurement a process, one JSON object on standard output.

    PYTHON benchmark_peers.py make|train|encode|export|tokenizer|whole --help

Training is the step of uniem 0.3.3: both texts of a pair go through the encoder by themselves, each side padded to the
longest text of its batch; masked mean pooling, cosines / 0.05, CoSENT; AdamW with a decay of 1e-3 but for biases and norms;
dropout as config.json says; texts are tokenised within the step. Needs torch and transformers; sentence-transformers, onnx
and onnxruntime for `encode` and `export`, scipy for `whole`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import statistics
import time

START = time.perf_counter()
SHAPES = {  # width, layers, heads
    'm3e-small': (512, 4, 8),
    'bert-base': (768, 12, 12),
    '2x128': (128, 2, 2),
}


# --- data and measuring

def read_rows(path: str, split: str) -> list[tuple[str, str, float]]:
    """Scored pairs: JSON lines, the STS benchmark's columns with a header, or `a<TAB>b<TAB>score`."""
    opened = gzip.open(path, 'rt', encoding='utf-8') if path.endswith('.gz') else open(path, encoding='utf-8')
    with opened as file:
        lines = [line.rstrip('\n') for line in file]
    if path.endswith('.jsonl'):
        return [(r['sentence1'], r['sentence2'], float(r['label'])) for r in map(json.loads, lines)]
    cells = [line.split('\t') for line in lines]
    if 'sentence1' not in cells[0]:
        return [(c[0], c[1], float(c[2])) for c in cells if len(c) == 3]
    place = {name: cells[0].index(name) for name in ('split', 'sentence1', 'sentence2', 'score')}
    return [(c[place['sentence1']], c[place['sentence2']], float(c[place['score']]))
            for c in cells[1:] if c[place['split']] == split]


def spread(items: list, count: int) -> list:
    """`count` items, evenly spread: files are ordered by genre. All for 0, or where there are no more."""
    if not 0 < count < len(items):
        return items
    return [items[int((i + 0.5) * len(items) / count)] for i in range(count)]


def sentences(args, unique: bool) -> list[str]:
    """All texts, the first of each pair before the second."""
    rows = read_rows(args.data, args.split)
    texts = [row[0] for row in rows] + [row[1] for row in rows]
    return list(dict.fromkeys(texts)) if unique else texts


class Neighbours:
    """The share of the machine that other processes take, from /proc/stat."""

    def __init__(self) -> None:
        self.start = self.ticks()

    @staticmethod
    def ticks() -> tuple[float, float]:
        numbers = [int(n) for n in open('/proc/stat').readline().split()[1:]]
        own = os.times()
        busy = (sum(numbers[:3]) + sum(numbers[5:7])) / os.sysconf('SC_CLK_TCK')
        return time.perf_counter(), busy - own.user - own.system

    def percent(self) -> float:
        (t0, b0), (t1, b1) = self.start, self.ticks()
        return round(100 * max(0.0, b1 - b0) / (t1 - t0) / (os.cpu_count() or 1), 1)


def peak_mib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def tell(**figures) -> None:
    print(json.dumps({'peak_mib': peak_mib(), **figures}), flush=True)


# --- models

def make(args) -> None:
    """Writes a BERT of a known shape with random weights and the given tokenizer."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    width, layers, heads = SHAPES[args.shape]
    model = BertModel(BertConfig(vocab_size=len(tokenizer), hidden_size=width, num_hidden_layers=layers,
                                 num_attention_heads=heads, intermediate_size=4 * width))
    model.save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    tell(shape=args.shape, parameters=sum(p.numel() for p in model.parameters()))


class Trainer:
    """uniem's training step."""

    def __init__(self, args, rate: float, max_length: int = 512) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer
        self.torch, self.autocast, self.max_length = torch, args.bf16, max_length
        torch.manual_seed(42)
        self.tokenizer = AutoTokenizer.from_pretrained(args.model)
        self.model = AutoModel.from_pretrained(args.model, dtype=torch.float32)
        self.model.train()
        plain = [n for n, _ in self.model.named_parameters() if 'bias' in n or 'LayerNorm' in n]
        named = dict(self.model.named_parameters())
        self.optimizer = torch.optim.AdamW(
            [{'params': [p for n, p in named.items() if n not in plain], 'weight_decay': 1e-3},
             {'params': [named[n] for n in plain], 'weight_decay': 0.0}], lr=rate, fused=args.fused or None)

    def tokens(self, texts: list[str]):
        return self.tokenizer(texts, padding=True, truncation=True, max_length=self.max_length, return_tensors='pt')

    def embed(self, batch):
        hidden = self.model(input_ids=batch['input_ids'], attention_mask=batch['attention_mask']).last_hidden_state
        mask = batch['attention_mask'].unsqueeze(-1).float()
        return (hidden * mask).sum(1) / mask.sum(1)

    def cosines(self, first, second):
        return self.torch.cosine_similarity(self.embed(first), self.embed(second), dim=-1)

    def step(self, rows) -> tuple[float, int, int]:
        """Loss, tokens without and with padding."""
        torch = self.torch
        sides = [self.tokens([row[c] for row in rows]) for c in (0, 1)]
        labels = torch.tensor([row[2] for row in rows])
        self.optimizer.zero_grad()
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=self.autocast):
            scores = self.cosines(*sides).float() / 0.05
            gaps = scores[:, None] - scores[None, :]
            gaps = gaps.masked_fill(labels[:, None] >= labels[None, :], -1e12)
            loss = torch.logsumexp(torch.cat((torch.zeros(1), gaps.view(-1))), dim=0)
        loss.backward()
        self.optimizer.step()
        real = sum(int(side['attention_mask'].sum()) for side in sides)
        return loss.item(), real, sum(side['input_ids'].numel() for side in sides)


def train(args) -> None:
    """Training steps on batches evenly spread over the file: the sum of each batch's median time."""
    import torch
    torch.set_num_threads(args.threads)
    trainer = Trainer(args, rate=1e-5)
    rows = read_rows(args.data, args.split)
    full = [rows[i:i + args.batch_size] for i in range(0, len(rows) - args.batch_size + 1, args.batch_size)]
    batches = spread(full, args.batches)
    for batch in batches[:args.warmup]:
        trainer.step(batch)
    times = [[] for _ in batches]
    real = padded = 0
    neighbours = Neighbours()
    for turn in range(args.rounds):
        for index, batch in enumerate(batches):
            start = time.perf_counter()
            loss, own, wide = trainer.step(batch)
            times[index].append(time.perf_counter() - start)
            if turn == 0:
                real, padded = real + own, padded + wide
    seconds = sum(map(statistics.median, times))
    count = sum(map(len, batches))
    tell(batch_size=args.batch_size, batches=len(batches), tokens=real, padded_tokens=padded, rows_s=round(count / seconds, 3),
         tokens_s=round(real / seconds, 1), ms_step=round(1000 * seconds / len(batches), 2), last_loss=round(loss, 4),
         others_pct=neighbours.percent())


# --- encoding

def export(args) -> None:
    """Writes the encoder with mean pooling and normalisation as ONNX."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    class Pooled(torch.nn.Module):
        def __init__(self, model) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids, mask):
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            wide = mask.unsqueeze(-1).float()
            return torch.nn.functional.normalize((hidden * wide).sum(1) / wide.sum(1), dim=-1)

    model = AutoModel.from_pretrained(args.model, attn_implementation='eager').eval()
    example = AutoTokenizer.from_pretrained(args.model)(['one two three', 'four'], padding=True, return_tensors='pt')
    axes = {0: 'texts', 1: 'tokens'}
    torch.onnx.export(Pooled(model), (example['input_ids'], example['attention_mask']), args.out, dynamo=False,
                      opset_version=17, input_names=['ids', 'mask'], output_names=['vectors'],
                      dynamic_axes={'ids': axes, 'mask': axes, 'vectors': {0: 'texts'}})
    tell(bytes=os.path.getsize(args.out))


def encoder(args):
    """A function from texts to vectors, and the tokenizer."""
    if args.onnx:
        import onnxruntime
        from transformers import AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(args.model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        session = onnxruntime.InferenceSession(args.onnx, options, providers=['CPUExecutionProvider'])

        def run(texts: list[str]) -> None:
            order = sorted(texts, key=lambda text: -len(text))
            for i in range(0, len(order), args.batch_size):
                batch = tokenizer(order[i:i + args.batch_size], padding=True, truncation=True, max_length=512,
                                  return_tensors='np')
                session.run(None, {'ids': batch['input_ids'].astype('int64'),
                                   'mask': batch['attention_mask'].astype('int64')})
        return run, tokenizer
    import torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(args.threads)
    model = SentenceTransformer(args.model, device='cpu')
    if args.bf16:
        model = model.to(torch.bfloat16)
    return lambda texts: model.encode(texts, batch_size=args.batch_size, show_progress_bar=False), model.tokenizer


def encode(args) -> None:
    """Sentences sorted by length, in units; and one by one."""
    run, tokenizer = encoder(args)
    every = sentences(args, unique=True)
    texts = spread(every, args.sentences)
    start = time.perf_counter()
    run(every[:1])
    first = time.perf_counter() - start
    run(spread(texts, 4 * args.batch_size))
    order = sorted(texts, key=lambda text: -len(text))
    units = [order[i:i + 2048] for i in range(0, len(order), 2048)]
    times = [[] for _ in units]
    neighbours = Neighbours()
    for _ in range(args.rounds):
        for index, unit in enumerate(units):
            start = time.perf_counter()
            run(unit)
            times[index].append(time.perf_counter() - start)
    others = neighbours.percent()
    seconds = sum(map(statistics.median, times))
    single = []
    chosen = spread(every, args.latency) if args.latency else []
    for text in chosen[:20]:
        run([text])
    for text in chosen:
        start = time.perf_counter()
        run([text])
        single.append(1000 * (time.perf_counter() - start))
    single.sort()
    tokens = sum(map(len, tokenizer(texts)['input_ids']))
    tell(sentences=len(texts), tokens=tokens, sentences_s=round(len(texts) / seconds, 2), tokens_s=round(tokens / seconds, 1),
         first_ms=round(1000 * first, 1), latency_p50_ms=round(statistics.median(single), 3) if single else None,
         latency_p99_ms=round(single[int(0.99 * len(single))], 3) if single else None, others_pct=others)


def tokenizer(args) -> None:
    """The Rust tokenizer's fastest call on all sentences at once; RAYON_NUM_THREADS says on how many threads."""
    from transformers import AutoTokenizer
    raw = AutoTokenizer.from_pretrained(args.model).backend_tokenizer
    raw.no_padding()
    texts = sentences(args, unique=False)
    size = sum(len(text.encode()) for text in texts)
    tokens = sum(len(e.ids) for e in raw.encode_batch_fast(texts))
    times = []
    neighbours = Neighbours()
    for _ in range(args.rounds):
        start = time.perf_counter()
        raw.encode_batch_fast(texts)
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times)
    tell(sentences=len(texts), tokens=tokens, sentences_s=round(len(texts) / seconds), mb_s=round(size / seconds / 1e6, 3),
         best_sentences_s=round(len(texts) / min(times)), others_pct=neighbours.percent())


# --- the whole job

def whole(args) -> None:
    """Load, evaluate, train an epoch in random order, evaluate, save."""
    import torch
    from scipy.stats import spearmanr
    torch.set_num_threads(args.threads)
    imported = time.perf_counter() - START
    trainer = Trainer(args, rate=2e-5, max_length=256)
    loaded = time.perf_counter() - START - imported
    rows, test = read_rows(args.data, args.split), read_rows(args.test, 'test')

    def spearman() -> float:
        trainer.model.eval()
        scores = []
        with torch.inference_mode():
            for i in range(0, len(test), 64):
                batch = test[i:i + 64]
                scores += trainer.cosines(*[trainer.tokens([row[c] for row in batch]) for c in (0, 1)]).tolist()
        trainer.model.train()
        return round(float(spearmanr(scores, [row[2] for row in test])[0]), 4)

    before = spearman()
    random.Random(42).shuffle(rows)
    start = time.perf_counter()
    for i in range(0, len(rows), args.batch_size):
        trainer.step(rows[i:i + args.batch_size])
    trained = time.perf_counter() - start
    after = spearman()
    trainer.model.save_pretrained(args.out)
    trainer.tokenizer.save_pretrained(args.out)
    tell(rows=len(rows), import_s=round(imported, 2), load_s=round(loaded, 2), train_s=round(trained, 2),
         spearman_before=before, spearman_after=after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for body in (make, train, encode, export, tokenizer, whole):
        command = commands.add_parser(body.__name__, help=body.__doc__)
        command.set_defaults(body=body)
        command.add_argument('--model', required=True, help='the folder of the model; for make, of the tokenizer')
        command.add_argument('--data', default='', help='.tsv.gz or .tsv with header, .jsonl, or tab-separated lines')
        command.add_argument('--split', default='train', help='the rows of a file with a column `split`')
        command.add_argument('--test', default='')
        command.add_argument('--out', default='')
        command.add_argument('--shape', choices=SHAPES)
        command.add_argument('--onnx', default='', help='encode with onnxruntime and this file')
        command.add_argument('--threads', type=int, default=os.cpu_count())
        command.add_argument('--batch-size', type=int, default=32)
        command.add_argument('--batches', type=int, default=0)
        command.add_argument('--rounds', type=int, default=3)
        command.add_argument('--warmup', type=int, default=3)
        command.add_argument('--sentences', type=int, default=0)
        command.add_argument('--latency', type=int, default=0)
        command.add_argument('--bf16', action='store_true', help='autocast in training, bfloat16 weights in encoding')
        command.add_argument('--fused', action='store_true', help='the fused AdamW')
    args = parser.parse_args()
    args.body(args)


if __name__ == '__main__':
    main()
