"""What Transformers computes with tiny random encoders of every family, for Tests/Fixtures/encoders.

    python encoders.py OUT

Token ids are random, so no text and no tokenizer is needed. Weights and results are float32; what is named `f64` was
computed in float64 from the same weights and rounded. Each checkpoint is that of a model with a head, where the family
has one, so that prefixes and unused tensors are there too.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import transformers as hf
from safetensors.torch import save_file

torch.set_num_threads(1)

BERT = dict(vocab_size=40, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
            max_position_embeddings=40, initializer_range=0.2)
T5 = dict(vocab_size=40, d_model=12, d_kv=5, d_ff=20, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
          relative_attention_max_distance=16, tie_word_embeddings=False)
MODERN = dict(vocab_size=40, hidden_size=12, num_hidden_layers=4, num_attention_heads=3, intermediate_size=10,
              max_position_embeddings=40, initializer_range=0.2, local_attention=8, pad_token_id=0, cls_token_id=1,
              sep_token_id=2, bos_token_id=1, eos_token_id=2)
QWEN = dict(vocab_size=40, hidden_size=12, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=6,
            intermediate_size=20, max_position_embeddings=40, initializer_range=0.2, pad_token_id=0)

# name: (class with a head, its encoder, class of the encoder, configuration)
MODELS = {
    'bert': (hf.BertForPreTraining, 'bert', hf.BertModel, hf.BertConfig(**BERT, hidden_act='gelu_new')),
    'roberta': (hf.RobertaForMaskedLM, 'roberta', hf.RobertaModel, hf.RobertaConfig(**BERT, type_vocab_size=1)),
    'xlm-roberta': (hf.XLMRobertaForMaskedLM, 'roberta', hf.XLMRobertaModel, hf.XLMRobertaConfig(**BERT, pad_token_id=3)),
    'ernie': (hf.ErnieForMaskedLM, 'ernie', hf.ErnieModel, hf.ErnieConfig(**BERT, use_task_id=True, hidden_act='relu')),
    'distilbert': (hf.DistilBertForMaskedLM, 'distilbert', hf.DistilBertModel, hf.DistilBertConfig(
        vocab_size=40, dim=12, n_layers=2, n_heads=3, hidden_dim=20, max_position_embeddings=40, initializer_range=0.2,
        sinusoidal_pos_embds=True)),
    'mpnet': (hf.MPNetForMaskedLM, 'mpnet', hf.MPNetModel, hf.MPNetConfig(**BERT)),
    'albert': (hf.AlbertForPreTraining, 'albert', hf.AlbertModel, hf.AlbertConfig(
        **{**BERT, 'num_hidden_layers': 5}, embedding_size=7, num_hidden_groups=2, inner_group_num=2)),
    't5': (hf.T5ForConditionalGeneration, None, hf.T5EncoderModel, hf.T5Config(
        **{**T5, 'tie_word_embeddings': True}, feed_forward_proj='relu')),
    'mt5': (hf.MT5ForConditionalGeneration, None, hf.MT5EncoderModel, hf.MT5Config(**T5)),
    'gpt2': (hf.GPT2LMHeadModel, 'transformer', hf.GPT2Model, hf.GPT2Config(
        vocab_size=40, n_embd=12, n_layer=2, n_head=3, n_positions=40, initializer_range=0.2,
        scale_attn_by_inverse_layer_idx=True)),
    'modernbert': (hf.ModernBertForMaskedLM, 'model', hf.ModernBertModel, hf.ModernBertConfig(**MODERN)),
    'modernbert-biases': (hf.ModernBertModel, None, hf.ModernBertModel, hf.ModernBertConfig(
        **MODERN, norm_bias=True, attention_bias=True, mlp_bias=True, global_attn_every_n_layers=2)),
    'qwen3': (hf.Qwen3ForCausalLM, 'model', hf.Qwen3Model, hf.Qwen3Config(**QWEN)),
    'qwen3-windows': (hf.Qwen3Model, None, hf.Qwen3Model, hf.Qwen3Config(
        **QWEN, attention_bias=True, use_sliding_window=True, sliding_window=5, max_window_layers=1)),
}
LENGTHS = {'input_ids': [9, 3, 20, 13], 'input_ids_pos': [4, 12, 7, 1]}


def batch(name: str, pad: int, generator) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = LENGTHS[name]
    ids = torch.full((len(lengths), max(lengths)), pad)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(4, 40, (length,), generator=generator)
        mask[row, :length] = 1
    return ids, mask


def pool(hidden, mask):
    weights = mask[:, :, None].to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)


def encode(model, ids, mask):
    """All hidden states, each row computed alone (no padding is seen), zeros where there is padding."""
    rows = [model(input_ids=row[None, :keep.sum()], output_hidden_states=True).hidden_states for row, keep in zip(ids, mask)]
    states = [torch.cat([torch.nn.functional.pad(state, (0, 0, 0, ids.shape[1] - state.shape[1])) for state in states])
              for states in zip(*rows)]
    # Transformers 5 lists the state behind each layer of an ALBERT group, version 4 the state behind each group.
    step = getattr(model.config, 'inner_group_num', 1)
    return states[:1] + states[step::step]


def main() -> None:
    out = Path(sys.argv[1])
    (out / 'forward').mkdir(parents=True, exist_ok=True)
    index = {'versions': {'torch': torch.__version__, 'transformers': hf.__version__}, 'models': {}}
    for name, (head_class, part, encoder_class, config) in MODELS.items():
        torch.manual_seed(sum(name.encode()))
        generator = torch.Generator().manual_seed(7)
        config._attn_implementation = 'eager'
        whole = head_class(config).eval()
        with torch.no_grad():
            for parameter_name, parameter in whole.named_parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
                elif not any(word in parameter_name for word in ('embed', 'wte', 'wpe', 'shared')):
                    parameter.copy_(torch.randn_like(parameter) * 0.3)
        folder = out / 'models' / name
        whole.save_pretrained(folder)
        (folder / 'generation_config.json').unlink(missing_ok=True)
        if part is None and head_class is not encoder_class:
            model = encoder_class.from_pretrained(folder)
        else:
            model = getattr(whole, part) if part else whole
        model.eval()
        pad = config.pad_token_id if config.pad_token_id is not None else 0
        ids, mask = batch('input_ids', pad, generator)
        ids_pos, mask_pos = batch('input_ids_pos', pad, generator)
        blob = {'input_ids': ids, 'attention_mask': mask, 'input_ids_pos': ids_pos, 'attention_mask_pos': mask_pos}
        with torch.no_grad():
            states = encode(model, ids, mask)
        for i, hidden in enumerate(states):
            blob[f'f32.hidden_states.{i}'] = hidden
        model.double()
        last = encode(model, ids, mask)[-1]
        blob['f64.last_hidden_state'] = last
        table = model.get_input_embeddings()(ids)
        if table.shape == last.shape:
            blob['f64.pooled.embedding_last_mean.mask_given'] = (pool(table, mask) + pool(last, mask)) / 2
        a = torch.nn.functional.normalize(pool(last, mask), dim=-1)
        b = torch.nn.functional.normalize(pool(encode(model, ids_pos, mask_pos)[-1], mask_pos), dim=-1)
        loss = torch.nn.functional.cross_entropy(a @ b.T / 0.05, torch.arange(len(a)))
        loss.backward()
        for parameter_name, parameter in model.named_parameters():
            if parameter.grad is not None:
                blob[f'f64.grad.{parameter_name}'] = parameter.grad
        index['models'][name] = {
            'class': encoder_class.__name__, 'checkpoint': head_class.__name__, 'loss_f64': loss.item(),
            'grad_strategy': 'last_mean', 'pad_token_id_embedder': pad, 'hidden_states': len(states),
        }
        blob = {k: v.detach().to(torch.float32 if v.is_floating_point() else v.dtype).clone().contiguous() for k, v in blob.items()}
        save_file(blob, str(out / 'forward' / f'{name}.safetensors'))
        print(name, len(states), round(loss.item(), 6), sum(p.numel() for p in model.parameters()))
    (out / 'forward' / 'index.json').write_text(json.dumps(index, indent=1) + '\n')


main()
