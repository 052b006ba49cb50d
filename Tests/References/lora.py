"""What PEFT computes with low-rank adapters on tiny random encoders of every family, for Tests/Fixtures/lora.

    python lora.py FIXTURES OUT

FIXTURES is Tests/Fixtures, whose folders `encoders` and `reference` hold the base models. Each adapter has random A and B and
is saved by PEFT; beside it stand the last hidden states of its model and the gradients of A and B, computed in float64 from
the same weights and rounded. `sentence-transformers` is one that SentenceTransformer saved, with the vectors that it gives.
Made with peft 0.21.2, sentence-transformers 6.2.0, transformers 5.23.0, torch 2.15.0.
"""
from __future__ import annotations

import json
import shutil
import sys
import warnings
from pathlib import Path

import torch
import transformers as hf
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

torch.set_num_threads(1)
warnings.filterwarnings('ignore')

# name of the base model: (class, the encoder in it, settings)
CASES = {
    # PEFT's own choice of layers
    'bert': (hf.BertModel, None, dict(r=3, lora_alpha=5)),
    'roberta': (hf.RobertaModel, None, dict(r=2, lora_alpha=2, target_modules='all-linear')),
    'xlm-roberta': (hf.XLMRobertaModel, None, dict(
        r=2, lora_alpha=6, target_modules=['query', 'key'], layers_to_transform=[1])),
    # `dense` is the pooler too, which takes no part in embeddings
    'ernie': (hf.ErnieModel, None, dict(r=4, lora_alpha=3, use_rslora=True, target_modules=['value', 'dense'])),
    # adapters of models with heads, whose names have a prefix
    'distilbert': (hf.DistilBertForMaskedLM, 'distilbert', dict(r=3, target_modules=['q_lin', 'ffn.lin2'])),
    'gpt2': (hf.GPT2LMHeadModel, 'transformer', dict(r=3, target_modules=['c_attn', 'mlp.c_proj'], fan_in_fan_out=True)),
    'mpnet': (hf.MPNetModel, None, dict(
        r=2, lora_alpha=4, target_modules=['q', 'v'], rank_pattern={'layer.1.attention.attn.q': 5},
        alpha_pattern={'^encoder.layer.0.attention.attn.v': 9})),
    # layers that share their weights share their adapters
    'albert': (hf.AlbertModel, None, dict(r=3, target_modules=['query', 'value', 'ffn', 'embedding_hidden_mapping_in'])),
    # saved as adapter_model.bin
    't5': (hf.T5EncoderModel, None, dict(r=3)),
    # the decoder has adapters as well
    'mt5': (hf.MT5ForConditionalGeneration, 'encoder', dict(r=2, target_modules=['q', 'wi_0', 'wo'])),
    'modernbert': (hf.ModernBertModel, None, dict(r=3, target_modules=['Wqkv', 'Wi'])),
    'qwen3': (hf.Qwen3Model, None, dict(r=3, target_modules=r'layers\.\d\.self_attn\.(q|k|v)_proj')),
}
TEXTS = ['How long does the ferry take?', '渡船今晚停航。', 'fog', 'The old clock struck nine and nobody looked up from the soup.']

LENGTHS = {'input_ids': [9, 3, 20, 13], 'input_ids_pos': [4, 12, 7, 1]}


def batch(name: str, pad: int, generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random token ids and what of them is no padding."""
    ids = torch.full((len(LENGTHS[name]), max(LENGTHS[name])), pad)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(LENGTHS[name]):
        ids[row, :length] = torch.randint(4, 40, (length,), generator=generator)
        mask[row, :length] = 1
    return ids, mask


def pool(hidden, mask):
    weights = mask[:, :, None].to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)


def randomize(model) -> None:
    """A and B both random: an adapter that changes something."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if '.lora_' in name:
                parameter.normal_(0, 0.3)


def finish(folder: Path, base: str) -> None:
    """The base model as seen from the folder; no model card."""
    (folder / 'README.md').unlink(missing_ok=True)
    path = folder / 'adapter_config.json'
    config = json.loads(path.read_text())
    config['base_model_name_or_path'] = base
    if isinstance(config['target_modules'], list):
        config['target_modules'].sort()
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + '\n')


def last_states(model, ids, mask):
    """The last hidden states, each row computed alone, zeros where there is padding."""
    rows = [model(input_ids=row[None, :keep.sum()]).last_hidden_state for row, keep in zip(ids, mask)]
    return torch.cat([torch.nn.functional.pad(row, (0, 0, 0, ids.shape[1] - row.shape[1])) for row in rows])


def family(name: str, fixtures: Path, out: Path) -> None:
    cls, part, settings = CASES[name]
    torch.manual_seed(sum(name.encode()))
    generator = torch.Generator().manual_seed(7)
    base = cls.from_pretrained(str(fixtures / 'encoders' / 'models' / name), attn_implementation='eager', dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type=None, **settings)).eval()
    randomize(model)
    model.save_pretrained(str(out / name), safe_serialization=name != 't5')
    finish(out / name, f'../../encoders/models/{name}')
    pad = base.config.pad_token_id if base.config.pad_token_id is not None else 0
    ids, mask = batch('input_ids', pad, generator)
    ids_pos, mask_pos = batch('input_ids_pos', pad, generator)
    model.double()
    encoder = getattr(base, part) if part else base
    last = last_states(encoder, ids, mask)
    a = torch.nn.functional.normalize(pool(last, mask), dim=-1)
    b = torch.nn.functional.normalize(pool(last_states(encoder, ids_pos, mask_pos), mask_pos), dim=-1)
    loss = torch.nn.functional.cross_entropy(a @ b.T / 0.05, torch.arange(len(a)))
    loss.backward()
    blob = {'input_ids': ids, 'attention_mask': mask, 'input_ids_pos': ids_pos, 'attention_mask_pos': mask_pos,
            'f64.last_hidden_state': last, 'f64.loss': loss}
    prefix = f'base_model.model.{part}.' if part and name != 'mt5' else 'base_model.model.'
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert '.lora_' in key, key
            blob['f64.grad.' + key.removeprefix(prefix).replace('.default.', '.')] = parameter.grad
    blob = {k: v.detach().to(torch.float32 if v.is_floating_point() else v.dtype).clone().contiguous() for k, v in blob.items()}
    save_file(blob, str(out / f'{name}.safetensors'))
    print(name, len([k for k in blob if 'grad' in k]), round(loss.item(), 6))


def sentence_transformers(fixtures: Path, out: Path) -> None:
    torch.manual_seed(5)
    base = fixtures / 'reference' / 'models' / 'st-bert-tiny'
    model = SentenceTransformer(str(base), device='cpu')
    model.max_seq_length = 20
    model.add_adapter(LoraConfig(task_type='FEATURE_EXTRACTION', r=3, lora_alpha=7, lora_dropout=0.25))
    randomize(model)
    folder = out / 'sentence-transformers'
    model.save(str(folder), create_model_card=False)
    config = json.loads((folder / 'adapter_config.json').read_text())
    model = SentenceTransformer(str(folder), device='cpu')
    save_file({'vectors': torch.tensor(model.encode(TEXTS))}, str(out / 'sentence-transformers.safetensors'))
    finish(folder, '../../reference/models/st-bert-tiny')
    (out / 'texts.json').write_text(json.dumps(TEXTS, ensure_ascii=False, indent=1) + '\n')
    print('sentence-transformers', config['r'])


def main(fixtures: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for name in CASES:
        family(name, fixtures, out)
    sentence_transformers(fixtures, out)


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]))
