"""Remakes the fixtures with the Python stack. Run it through the script `remake` beside it.

    python remake.py --generators DIR --work DIR --out DIR

`--generators` is the folder `reference/generators` of the shared reference; `--work` is for everything that is made on the
way; `--out` is `Tests/Fixtures/reference`, which is replaced.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
os.environ.setdefault('OMP_NUM_THREADS', '1')
HERE = Path(__file__).resolve().parent

MODELS = ['bert-tiny', 'bert-tiny-fp16', 'bert-tiny-bf16', 'bert-sharded', 'bert-old-names', 'st-bert-tiny']
# of these the forward golden also holds the gradients and every hidden state
FULL_FORWARD = ['bert-tiny']
# awkward texts of the generators that hold wording of the public data sets: SHA-256, first 12 digits
NOT_OURS = {
    '12bd92539e2e', 'da64ae23100c', '11022144889a', '7935704d231f', '41fd1aa360a4', '37d35da7dc25', 'd23ccf4c3f19',
    'd7b9a865f8ba', 'b78d6c1f60ba',
}

BATCH = 6
SHARD = '11KB'
TRAINING = [
    dict(name='pair_default', data='pair', rows=34, run=dict(batch_size=BATCH, epochs=2, max_length=64),
         note='lr=None (suggest_lr), no scheduler, weight_decay default 1e-3; the last batch of each epoch is partial'),
    dict(name='triplet', data='triplet', rows=30, run=dict(batch_size=5, epochs=2, max_length=64, lr=1e-3)),
    dict(name='scored', data='scored', rows=60, run=dict(batch_size=BATCH, epochs=1, max_length=64, lr=1e-3)),
    dict(name='scored_validation', data='scored', rows=33, validation_rows=15,
         run=dict(batch_size=BATCH, epochs=2, max_length=64, lr=1e-3),
         note='validation set whose last batch is partial; steps with train=false are the validation batches'),
    dict(name='bitfit', data='scored', rows=60, run=dict(batch_size=BATCH, epochs=1, max_length=64, lr=1e-2),
         strategy={'name': 'bitfit'}),
    dict(name='prefix_hf', data='pair', rows=36, dataset='hf',
         run=dict(batch_size=BATCH, epochs=2, max_length=64, lr=1e-2),
         strategy={'name': 'prefix', 'additional_special_tokens': ['[Q1]', '[Q2]']},
         note='rows come from a Hugging Face Dataset: a fresh dict at every read'),
    dict(name='warmup_cosine', data='pair', rows=36,
         run=dict(batch_size=BATCH, epochs=2, max_length=64, lr=1e-3, num_warmup_steps=0.25)),
    dict(name='grad_accum2_effective', data='scored', rows=36,
         run=dict(batch_size=BATCH, epochs=2, max_length=64, lr=1e-3, gradient_accumulation_steps=2, num_warmup_steps=0.1),
         patched='no_second_accelerator',
         note='MONKEYPATCHED progress bar (no second Accelerator), so that accumulation is really on'),
    dict(name='pooling_cls', data='pair', rows=36, pooling='cls',
         run=dict(batch_size=BATCH, epochs=1, max_length=24, lr=1e-3), note='truncation at 24 tokens'),
]


def ours(text: str) -> bool:
    return hashlib.sha256(text.encode('utf-8')).hexdigest()[:12] not in NOT_OURS


def run(name: str, arguments: list[str]) -> None:
    """Runs one generator with its own command line."""
    module = importlib.import_module(name)
    sys.argv = [name, *arguments]
    module.main()


def generate(generators: Path, data: Path, made: Path) -> None:
    """Everything the generators make with our profile and texts; more than is kept."""
    sys.path[:0] = [str(generators), str(HERE)]
    import texts

    texts.write(data)
    base = ['--profile', str(HERE / 'profile.json'), '--out', str(made)]
    with_data = [*base, '--data-dir', str(data)]

    import transformers
    save = transformers.PreTrainedModel.save_pretrained
    def save_in_shards(model, folder, **options):
        if 'max_shard_size' in options:  # the generator's 60 KB would hold our whole model
            options['max_shard_size'] = SHARD
        return save(model, folder, **options)
    transformers.PreTrainedModel.save_pretrained = save_in_shards
    run('gen_models', with_data)

    import corpus
    corpus.NASTY = [t for t in corpus.NASTY if ours(t)]
    corpus.PAIRS = [p for p in corpus.PAIRS if all(ours(t) for t in p)]
    run('gen_tokenizers', with_data)

    import gen_forward
    gen_forward.MODELS = [name for name in MODELS if name != 'st-bert-tiny']
    run('gen_forward', with_data)
    run('gen_losses', base)
    run('gen_optim', base)

    import gen_training
    gen_training.cases_for = lambda profile: [{'model': 'bert-tiny', **case} for case in TRAINING]
    run('gen_training', with_data)


def write_json(path: Path, value) -> None:
    """JSON with one line for each element of a list of objects: short, and still fit for a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(layout(value) + '\n', encoding='utf-8')


def layout(value) -> str:
    short = lambda v: json.dumps(v, ensure_ascii=False, separators=(',', ':'))
    def part(v) -> str:
        if isinstance(v, list) and v and isinstance(v[0], dict):
            return '[\n' + ',\n'.join(short(x) for x in v) + '\n]'
        if isinstance(v, dict) and v and all(isinstance(x, dict) for x in v.values()):
            return '{\n' + ',\n'.join(f'{short(k)}:{short(x)}' for k, x in v.items()) + '\n}'
        return short(v)
    if not isinstance(value, dict):
        return part(value)
    return '{\n' + ',\n'.join(f'{short(k)}:{part(v)}' for k, v in value.items()) + '\n}'


def read_json(path: Path):
    return json.loads(path.read_text(encoding='utf-8'))


def select_tensors(source: Path, target: Path, keep) -> None:
    """Copies a safetensors file, only the tensors whose name `keep` accepts."""
    from safetensors.torch import load_file, save_file

    target.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v for k, v in load_file(str(source)).items() if keep(k)}, str(target))
    target.chmod(0o644)


def keep_models(made: Path, out: Path) -> None:
    for name in MODELS:
        skip = ['*.bin'] if name in ('bert-tiny-fp16', 'bert-tiny-bf16', 'st-bert-tiny') else []
        shutil.copytree(made / 'models' / name, out / 'models' / name, ignore=shutil.ignore_patterns(*skip))
    index = read_json(made / 'models' / 'index.json')
    index['models'] = {k: v for k, v in index['models'].items() if k in MODELS}
    write_json(out / 'models' / 'index.json', index)


def keep_tokenizers(made: Path, out: Path) -> None:
    index = read_json(made / 'tokenizers' / 'index.json')
    singles, pairs = set(), set()
    for place, (name, entry) in enumerate(index['tokenizers'].items()):
        lines = (made / 'tokenizers' / f'{name}.golden.jsonl').read_text(encoding='utf-8').split('\n')
        seen: dict[str, int] = {}
        kept = []
        for line in filter(None, lines):
            row = json.loads(line)
            count = seen[row['kind']] = seen.get(row['kind'], -1) + 1
            # most texts go to one of the two tokenizers; the second is a cased one
            every = {'single': (count % 2 == 0, count % 4 == 1), 'truncate8': (False, False),
                     'truncate16': (count % 6 == 0, count % 12 == 0), 'pair': (count % 2 == 0, count % 4 == 1),
                     'pair_truncate16': (count % 3 == 0, count % 4 == 0), 'batch': (True, count % 4 == 0)}
            if every[row['kind']][place]:
                kept.append(json.dumps(row, ensure_ascii=False, separators=(',', ':')))
        entry['rows'] = len(kept)
        singles.update(row['text'] for row in map(json.loads, kept) if row['kind'] == 'single')
        pairs.update((row['text'], row['text_pair']) for row in map(json.loads, kept) if row['kind'] == 'pair')
        path = out / 'tokenizers' / entry['golden']
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(''.join(line + '\n' for line in kept), encoding='utf-8')
    write_json(out / 'tokenizers' / 'index.json', {**index, 'texts': len(singles), 'pairs': len(pairs)})


def keep_forward(made: Path, out: Path) -> None:
    index = read_json(made / 'forward' / 'index.json')
    index['uniem_encode'] = {k: v for k, v in index['uniem_encode'].items() if k in MODELS}
    write_json(out / 'forward' / 'index.json', index)
    for name in index['models']:
        full = name in FULL_FORWARD
        keep = lambda key: not key.startswith('f32.pooled.') and (full or not key.startswith(('f64.grad.', 'f32.')))
        select_tensors(made / 'forward' / f'{name}.safetensors', out / 'forward' / f'{name}.safetensors', keep)
    for name in ('st-bert-tiny', 'uniem-encode.bert-tiny'):
        shutil.copy(made / 'forward' / f'{name}.safetensors', out / 'forward' / f'{name}.safetensors')


def keep_numbers(made: Path, out: Path) -> None:
    index = read_json(made / 'losses' / 'index.json')
    index['cases'] = [c for c in index['cases'] if c['batch'] in (3, 5, 6) or c['temperature'] < 1 and c['batch'] < 16
                      or c['kind'] == 'pair' and c['temperature'] < 1]
    names = {c['name'] for c in index['cases']}
    write_json(out / 'losses' / 'index.json', index)
    select_tensors(made / 'losses' / 'losses.safetensors', out / 'losses' / 'losses.safetensors',
                   lambda key: key.split('/')[0] in names and '/grad_f32.' not in key)
    for name in ('optim/index.json', 'optim/schedules.json'):
        write_json(out / name, read_json(made / name))
    stats = read_json(made / 'stats' / 'correlations.json')
    stats['cases'] = [c for c in stats['cases'] if len(c['x']) <= 10 or c['name'] in ('ties_both_100', 'large_offset')]
    write_json(out / 'stats' / 'correlations.json', stats)
    select_tensors(made / 'optim' / 'adamw.safetensors', out / 'optim' / 'adamw.safetensors', lambda key: '/f32/' not in key)


def keep_training(made: Path, out: Path) -> None:
    source, target = made / 'training', out / 'training'
    write_json(target / 'index.json', read_json(source / 'index.json'))
    shutil.copytree(source / 'models', target / 'models', ignore=shutil.ignore_patterns('special_tokens_map.json'))
    for case in TRAINING:
        for path in sorted((source / case['name']).iterdir()):
            to = target / case['name'] / path.name
            if path.suffix == '.json':
                write_json(to, read_json(path))
            else:
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, to)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('generators', 'work', 'out'):
        parser.add_argument(f'--{name}', type=Path, required=True)
    parser.add_argument('--keep-made', action='store_true', help='do not run the generators again')
    args = parser.parse_args()
    work, made = args.work.resolve(), args.work.resolve() / 'made'
    if not args.keep_made:
        shutil.rmtree(work, ignore_errors=True)
        generate(args.generators.resolve(), work / 'data', made)
    out = args.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    for keep in (keep_models, keep_tokenizers, keep_forward, keep_numbers, keep_training):
        keep(made, out)
    shutil.copy(HERE / 'fixtures-readme.md', out / 'README.md')
    for path in out.rglob('*'):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in out.rglob('tokenizer.json'):
        write_json(path, read_json(path))
    sizes = [p.stat().st_size for p in out.rglob('*') if p.is_file()]
    print(len(sizes), 'files', sum(sizes), 'bytes, the largest', max(sizes))


if __name__ == '__main__':
    main()
