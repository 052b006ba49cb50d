#include "attention.h"

/// Makes exp(score - largest) of the scores, zeros where dropout drops; sets tops and inverses.
INLINE void forward_weights(const block *b, bool drops) {
    for (int64_t lane = 0; lane < b->wide; lane += 16) {
        float *s = b->scores + lane;
        v16 top = load(s), sum = {0};
        for (int64_t n = 1; n < b->keys; n++) {
            v16 x = load(s + n * b->wide);
            top = choose(x > top, x, top);
        }
        for (int64_t n = 0; n < b->keys; n++) {
            v16 e = exp_of_negative(load(s + n * b->wide) - top);
            sum += e;
            store(s + n * b->wide, drops ? choose(kept(b, lane, n), e, all_lanes(0)) : e);
        }
        store(b->tops + lane, top);
        store(b->inverses + lane, 1.0f / sum);
    }
}

/// Where the statistics of a block stand: all largest scores of a sequence and head, then all inverses.
INLINE void keep_statistics(const block *b, float *statistics) {
    float *at = statistics + 2 * (b->start * b->sizes->heads + b->head * b->length) + b->query;
    for (int64_t i = 0; i < b->count; i++) at[i] = b->tops[i];
    for (int64_t i = 0; i < b->count; i++) at[b->length + i] = b->inverses[i];
}

KERNEL WIDE void k_attention_forward(float *context, float *statistics, float *scratch, const float *q,
                                     const float *k, const float *v, const float *bias, const int32_t *offsets,
                                     const k_attention_sizes *given, const uint32_t *rows, uint64_t key, float p) {
    // A copy: the compiler need not fear that results overwrite it.
    const k_attention_sizes sizes = *given;
    int64_t h = sizes.heads * sizes.head_size;
    for (int64_t s = 0; s < sizes.sequences; s++) {
        block b = sequence_block(&sizes, scratch, offsets, s, p);
        for (int64_t head = 0; head < sizes.heads; head++) {
            choose_head(&b, head, k, v, bias);
            ask_ahead(&b, context, h, b.column);
            for (int64_t query = 0; query < b.length; query += block_size) {
                choose_queries(&b, query, q, bias);
                if (p > 0) {
                    choose_streams(&b, rows, key);
                    forward_weights(&b, true);
                } else {
                    forward_weights(&b, false);
                }
                if (statistics) keep_statistics(&b, statistics);
                for (int64_t i = 0; i < b.wide; i++) b.inverses[i] *= b.keep;
                query_product(&b, context + (b.start + query) * h + b.column, h, b.scores, seen(&b, b.v), b.inverses);
            }
        }
    }
}
