"""Metrics of given vectors, for Tests/Fixtures/evaluation.

    python evaluation.py OUT

Random vectors, and vectors of +1 and -1 whose cosines are exact in any arithmetic, so that many of them tie. Metrics are
those of sentence-transformers' evaluators, which get the vectors from a table in place of a model; intervals are those of
scipy.stats.bootstrap.

In retrieval our rule is that a document that is not relevant stands before a relevant one of the same score.
sentence-transformers goes by the names of documents: each query is evaluated by itself, with names that sort so.
Made with sentence-transformers 6.2.0, torch 2.15.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from sentence_transformers.sentence_transformer.evaluation import (
    BinaryClassificationEvaluator, EmbeddingSimilarityEvaluator, InformationRetrievalEvaluator, TripletEvaluator)
from sentence_transformers.util import cos_sim

torch.set_num_threads(1)
CUTOFFS = [1, 3, 5, 10, 20]
SAMPLES = 20_000


class Table:
    """A model that knows its texts: keys of a dictionary of vectors."""
    similarity_fn_name = 'cosine'
    similarity = staticmethod(cos_sim)

    class model_card_data:
        @staticmethod
        def set_evaluation_metrics(*_):
            pass

    def __init__(self, **columns):
        self.rows = {f'{name} {i}': row for name, column in columns.items() for i, row in enumerate(column)}

    def encode(self, texts, convert_to_tensor=False, **_):
        rows = torch.tensor(np.array([self.rows[text] for text in texts]))
        return rows if convert_to_tensor else rows.numpy()

    encode_query = encode_document = encode


def names(name, count):
    return [f'{name} {i}' for i in range(count)]


def measure(evaluator, model):
    evaluator.write_csv = False
    return {key.removeprefix('cosine_'): float(value) for key, value in evaluator(model).items()}


def signs(random, *shape):
    return random.choice([-1.0, 1.0], size=shape).astype(np.float32)


def scored(name, first, second, labels):
    """Correlations; and where labels are 0 and 1, what a threshold can do."""
    model, texts = Table(a=first, b=second), (names('a', len(first)), names('b', len(second)))
    found = measure(EmbeddingSimilarityEvaluator(*texts, labels, main_similarity='cosine', similarity_fn_names=['cosine']), model)
    metrics = {'spearman': found['spearman_cosine' if 'spearman_cosine' in found else 'spearman'],
               'pearson': found['pearson_cosine' if 'pearson_cosine' in found else 'pearson']}
    if set(labels) == {0, 1}:
        found = measure(BinaryClassificationEvaluator(*texts, [int(x) for x in labels], similarity_fn_names=['cosine']), model)
        metrics |= {'average_precision': found['ap'], 'best_accuracy': found['accuracy'],
                    'best_accuracy_threshold': found['accuracy_threshold'], 'best_f1': found['f1'],
                    'best_f1_threshold': found['f1_threshold'], 'precision': found['precision'],
                    'recall': found['recall'], 'mcc': found['mcc']}
    return {'name': name, 'first': first, 'second': second, 'labels': labels, 'metrics': metrics}


def search(model, query, documents, relevant):
    """The metrics of one query, documents that are not relevant first among equals."""
    ids = {f'{int(i in relevant)} {i:06}': f'd {i}' for i in range(documents)}
    everything = sorted({*CUTOFFS, 100, documents})
    evaluator = InformationRetrievalEvaluator(
        {'q': f'q {query}'}, ids, {'q': {f'1 {i:06}' for i in relevant}}, accuracy_at_k=CUTOFFS,
        precision_recall_at_k=CUTOFFS, ndcg_at_k=CUTOFFS, mrr_at_k=everything, map_at_k=everything)
    found = measure(evaluator, model)
    return {'mrr' if key == f'mrr@{documents}' else key: value for key, value in found.items()}


def retrieval(name, queries, documents, relevant):
    model = Table(q=queries, d=documents)
    each = [search(model, i, len(documents), set(docs)) for i, docs in enumerate(relevant)]
    metrics = {key: float(np.mean([item[key] for item in each])) for key in each[0]}
    scores = cos_sim(torch.tensor(queries), torch.tensor(documents)).numpy()
    ties = sum(int((scores[i] == scores[i][d]).sum() > 1) for i, docs in enumerate(relevant) for d in docs)
    if ties == 0:
        # All queries at once, as it is meant: the same where nothing ties.
        together = measure(InformationRetrievalEvaluator(
            dict(zip(names('q', len(queries)), names('q', len(queries)))), {x: x for x in names('d', len(documents))},
            {f'q {i}': {f'd {d}' for d in docs} for i, docs in enumerate(relevant)}), model)
        for key, value in together.items():
            assert abs(metrics[key] - value) < 1e-12, (name, key, metrics[key], value)
    return {'name': name, 'ties': ties, 'queries': queries, 'documents': documents, 'relevant': relevant, 'metrics': metrics}


def triplets(name, queries, documents, rows):
    model = Table(q=queries, d=documents)
    found = measure(TripletEvaluator([f'q {q}' for q, _, _ in rows], [f'd {p}' for _, p, _ in rows],
                                     [f'd {n}' for _, _, n in rows], similarity_fn_names=['cosine']), model)
    relevant = [sorted({p for q, p, _ in rows if q == query}) for query in range(len(queries))]
    ranked = retrieval(name, queries, documents, relevant)
    return {'name': name, 'ties': ranked['ties'], 'queries': queries, 'documents': documents, 'triplets': rows,
            'metrics': {'accuracy': found['accuracy']} | ranked['metrics']}


def ends(interval):
    return [float(interval.low), float(interval.high)]


def intervals(random, rows):
    """Percentile intervals of correlations, of a mean, and of paired differences of both."""
    labels = np.round(random.uniform(0, 5, rows), 1)
    before = labels / 5 + random.normal(0, 0.6, rows)
    after = before + 0.2 * labels / 5 + random.normal(0, 0.1, rows)
    ranks = [np.maximum(1, np.floor(random.exponential(scale, rows))).astype(int) for scale in (12, 8)]
    reciprocal = [1 / x for x in ranks]

    def resample(data, statistic):
        found = stats.bootstrap(data, statistic, paired=True, vectorized=False, n_resamples=SAMPLES, method='percentile',
                                rng=np.random.default_rng(5))
        return ends(found.confidence_interval)

    def spearman(x, y):
        return stats.spearmanr(x, y).statistic

    def pearson(x, y):
        return stats.pearsonr(x, y).statistic

    return {
        'labels': labels, 'before': before, 'after': after, 'ranks_before': ranks[0], 'ranks_after': ranks[1],
        'samples': SAMPLES,
        'spearman': resample((before, labels), spearman), 'pearson': resample((before, labels), pearson),
        'spearman_difference': resample((before, after, labels), lambda b, a, y: spearman(a, y) - spearman(b, y)),
        'pearson_difference': resample((before, after, labels), lambda b, a, y: pearson(a, y) - pearson(b, y)),
        'mrr': resample((reciprocal[0],), np.mean),
        'mrr_difference': resample((reciprocal[0], reciprocal[1]), lambda b, a: np.mean(a) - np.mean(b)),
    }


def plain(value):
    """For JSON: float32 with the digits that read back, arrays as lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        return [plain(row) for row in value] if value.ndim > 1 else [float(str(x)) for x in value]
    if isinstance(value, (np.ndarray, list, tuple)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def main(out: Path) -> None:
    random = np.random.default_rng(20261124)

    def vectors(*shape):
        return np.round(random.normal(size=shape), 4).astype(np.float32)

    def related(x, strength):
        return (x * np.float32(strength) + vectors(*x.shape)).round(4).astype(np.float32)

    first = vectors(60, 6)
    graded = [float(x) for x in random.integers(0, 11, 60) / 2]
    similar = first * np.array(graded, dtype=np.float32)[:, None] / 4 + vectors(60, 6)
    coarse = signs(random, 80, 16), signs(random, 80, 16)
    half = [float(x) for x in random.integers(0, 2, 80)]
    flips = random.uniform(size=(80, 16)) < np.where(np.array(half) > 0, 0.3, 0.45)[:, None]
    close = np.where(flips, -coarse[0], coarse[0]).astype(np.float32)
    binary = vectors(70, 6)
    rare = [float(x < 0.15) for x in random.uniform(size=70)]
    near = binary * np.array(rare, dtype=np.float32)[:, None] + vectors(70, 6)
    pairs = [
        scored('graded', first, similar.round(4), graded),
        scored('graded, ties', *coarse, [float(x) for x in random.integers(0, 4, 80)]),
        scored('binary', binary, near.round(4), rare),
        scored('binary, ties', coarse[0], close, half),
        # Nothing is gained by predicting 1 anywhere.
        scored('binary, reversed', first[:20], -first[:20] + vectors(20, 6) / 4, [1.0 if i < 4 else 0.0 for i in range(20)]),
    ]

    documents = vectors(90, 6)
    chosen = [[int(x) for x in random.choice(90, size=n, replace=False)] for n in [1] * 20 + [2, 3, 4, 5, 9, 12, 30, 90] + [1, 2] * 6]
    queries = np.stack([documents[docs[0]] + vectors(6) * np.float32(0.8) for docs in chosen]).round(4).astype(np.float32)
    # Equal documents among them.
    tied = signs(random, 50, 16)
    tied[40:] = tied[:10]
    wanted = [[int(x) for x in random.choice(50, size=n, replace=False)] for n in [1] * 16 + [2, 3, 9, 10, 25, 50]]
    lists = [
        retrieval('no ties', queries, documents, chosen),
        retrieval('ties', signs(random, len(wanted), 16), tied, wanted),
        retrieval('one vector', np.ones((3, 4), dtype=np.float32), np.ones((12, 4), dtype=np.float32), [[0], [5, 7], [11]]),
    ]
    assert lists[0]['ties'] == 0 and lists[1]['ties'] > 50 and lists[2]['metrics']['recall@1'] == 0

    rows = [(int(q), int(p), int(n)) for q, p, n in random.integers(0, (12, 30, 30), size=(40, 3)).tolist()]
    rows += [(q, q, 29 - q) for q in range(12)] + [(3, 4, 4)]
    all_rows = [
        triplets('triplets', related(documents[:12], 1), documents[:30], rows),
        triplets('triplets, ties', signs(random, 12, 16), tied[20:], rows),
    ]
    golden = {'scored_pairs': pairs, 'retrieval': lists, 'triplets': all_rows, 'intervals': intervals(random, 200)}
    out.mkdir(parents=True, exist_ok=True)
    (out / 'metrics.json').write_text(json.dumps(plain(golden), separators=(',', ':')).replace('},{"name"', '},\n{"name"') + '\n')


if __name__ == '__main__':
    main(Path(sys.argv[1]))
