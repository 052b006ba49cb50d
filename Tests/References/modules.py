"""sentence-transformers folders with layers after pooling, several poolings and prompts, for Tests/Fixtures/modules.

    python modules.py MODEL OUT

MODEL is a folder with a small BERT (Tests/Fixtures/reference/models/bert-tiny). Each case is saved by
SentenceTransformer.save, some files are brought to the forms of older versions, and the vectors that SentenceTransformer
gives for the saved folder are written to OUT/<case>.safetensors, with the gradients of sum(vectors * weights) in float64.
Made with sentence-transformers 6.2.0, transformers 5.23.0, torch 2.15.0.
"""
from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules

torch.set_num_threads(1)

TEXTS = ['How long does the ferry take?', '渡船今晚停航。', 'fog', 'The old clock struck nine and nobody looked up from the soup.']

CASES = {
    # distiluse's form: one layer with tanh
    'dense': dict(pooling='mean', head=[('dense', 7, dict()), ('normalize',)]),
    # flags of older versions; normalised in the middle, not at the end
    'three-poolings': dict(pooling=('cls', 'max', 'mean'), flags=True, head=[
        ('dense', 8, dict(bias=False, activation_function=None)), ('normalize',),
        ('dense', 8, dict(activation_function=torch.nn.ReLU(), use_residual=True))]),
    # the prompt is not pooled
    'prompt': dict(pooling='weightedmean', include_prompt=False, head=[('normalize',)],
                   prompts={'query': 'How long: ', 'other': '渡船'}, default='query'),
    # an order that flags cannot say; weights as pytorch_model.bin
    'ordered': dict(pooling=('lasttoken', 'cls', 'mean_sqrt_len_tokens'), binary=True, head=[
        ('dense', 5, dict(activation_function=torch.nn.GELU(), use_residual=True)),
        ('dense', 6, dict(activation_function=torch.nn.Sigmoid())), ('normalize',)]),
    # the prompt is not pooled, by the other poolings
    'prompt-all': dict(pooling=('cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'lasttoken'), include_prompt=False,
                       flags=True, head=[], prompts={'p': 'The old clock '}, default='p'),
}


def build(source: Path, case: dict) -> SentenceTransformer:
    transformer = modules.Transformer(str(source), max_seq_length=48)
    width = transformer.get_embedding_dimension()
    pooling = modules.Pooling(width, case['pooling'], include_prompt=case.get('include_prompt', True))
    parts = [transformer, pooling]
    width = pooling.get_embedding_dimension()
    for kind, *rest in case['head']:
        if kind == 'normalize':
            parts.append(modules.Normalize())
            continue
        size, options = rest
        dense = modules.Dense(width, size, **options)
        with torch.no_grad():
            for parameter in dense.parameters():
                parameter.normal_(0, 0.4)
        parts.append(dense)
        width = size
    model = SentenceTransformer(modules=parts, prompts=case.get('prompts'), device='cpu')
    model.default_prompt_name = case.get('default')
    return model.eval()


def age(folder: Path, case: dict) -> None:
    """Brings files of today's form to that of older versions."""
    if case.get('flags'):
        path = folder / '1_Pooling' / 'config.json'
        config = json.loads(path.read_text())
        modes = case['pooling']
        names = {'cls': 'cls_token', 'mean': 'mean_tokens', 'max': 'max_tokens', 'weightedmean': 'weightedmean_tokens',
                 'mean_sqrt_len_tokens': 'mean_sqrt_len_tokens', 'lasttoken': 'lasttoken'}
        old = {'word_embedding_dimension': config['embedding_dimension']}
        old |= {f'pooling_mode_{suffix}': mode in modes for mode, suffix in names.items()}
        path.write_text(json.dumps(old | {'include_prompt': config['include_prompt']}, indent=2))
    if case.get('binary'):
        from safetensors.torch import load_file
        for file in folder.glob('*_Dense/model.safetensors'):
            torch.save(load_file(file), file.with_name('pytorch_model.bin'))
            file.unlink()


def main(source: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    torch.manual_seed(11)
    for name, case in CASES.items():
        folder = out / name
        build(source, case).save(str(folder), create_model_card=False)
        age(folder, case)
        model = SentenceTransformer(str(folder), device='cpu').eval()
        result = {'vectors': torch.tensor(model.encode(TEXTS)), 'without_prompt': torch.tensor(model.encode(TEXTS, prompt=''))}
        model = model.double()
        features = model.preprocess(TEXTS, prompt=model.prompts.get(model.default_prompt_name))
        vectors = model(features)['sentence_embedding']
        weights = torch.linspace(-1, 1, vectors.numel(), dtype=torch.float64).reshape(vectors.shape)
        (vectors * weights).sum().backward()
        result['weights'] = weights
        for key, parameter in model.named_parameters():
            if parameter.grad is None:
                continue
            index, rest = key.split('.', 1)
            if index != '0':
                result[f'grad.{index}_Dense.{rest}'] = parameter.grad
            elif 'layer.1.output.dense' in key or 'word_embeddings' in key:
                result['grad.' + rest.removeprefix('auto_model.').removeprefix('model.')] = parameter.grad
        save_file({k: v.detach().float().contiguous() for k, v in result.items()}, str(out / f'{name}.safetensors'))
    (out / 'texts.json').write_text(json.dumps(TEXTS, ensure_ascii=False, indent=1))


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]))
