#include "attention.h"

/// The block of a backward pass.
typedef struct {
    matrix dcontext;    // [count, head_size]
    float *gradient;    // [keys, wide]: of weights, then of scores
    float *dropped;     // [keys, wide]: probabilities after dropout
    float *transposed;  // [head_size, wide]
    float *dbias;       // by distance
    float *dk, *dv;     // [length, head_size]
    int64_t lddk, lddv;
    int64_t begun;      // the keys below this have gradients to add to
    float *dcontext_room, *dk_room, *dv_room;
} gradients;

int64_t k_attention_scratch(int64_t longest, int64_t head_size) {
    return block_floats(longest, head_size) + 2 * (longest + head_size) * block_size + 2 * longest * head_size
           + distances(longest);
}

INLINE gradients sequence_gradients(const block *b) {
    int64_t size = b->sizes->head_size;
    gradients g = {.gradient = b->rest};
    g.dropped = g.gradient + b->length * block_size;
    g.transposed = g.dropped + b->length * block_size;
    g.dcontext_room = g.transposed + size * block_size;
    g.dk_room = g.dcontext_room + size * block_size;
    g.dv_room = g.dk_room + b->length * size;
    g.dbias = g.dv_room + b->length * size;
    return g;
}

/// The statistics that the forward pass kept. Lanes after the last query get probabilities of 0.
INLINE void find_statistics(const block *b, const float *statistics) {
    const float *at = statistics + 2 * (b->start * b->sizes->heads + b->head * b->length) + b->query;
    for (int64_t i = 0; i < b->count; i++) b->tops[i] = at[i];
    for (int64_t i = 0; i < b->count; i++) b->inverses[i] = at[b->length + i];
    for (int64_t i = b->count; i < b->wide; i++) b->tops[i] = __builtin_inff();
    for (int64_t i = b->count; i < b->wide; i++) b->inverses[i] = 0;
}

/// Makes probabilities of the scores, and of the gradient of weights that of scores, times the scale.
INLINE void backward_weights(const block *b, const gradients *g, bool drops, bool has_bias) {
    for (int64_t lane = 0; lane < b->wide; lane += 16) {
        float *s = b->scores + lane, *ds = g->gradient + lane, *dropped = g->dropped + lane;
        v16 top = load(b->tops + lane), inverse = load(b->inverses + lane), dot = {0};
        for (int64_t n = 0; n < b->keys; n++) {
            v16 probability = exp_of_negative(load(s + n * b->wide) - top) * inverse;
            v16 slope = load(ds + n * b->wide);
            if (drops) {
                i16 mask = kept(b, lane, n);
                slope = choose(mask, slope * b->keep, all_lanes(0));
                store(ds + n * b->wide, slope);
                store(dropped + n * b->wide, choose(mask, probability * b->keep, all_lanes(0)));
            }
            store(s + n * b->wide, probability);
            dot += probability * slope;
        }
        float *dbias = g->dbias + b->length - 1 + b->query + lane - b->first;
        for (int64_t n = 0; n < b->keys; n++) {
            v16 slope = load(s + n * b->wide) * (load(ds + n * b->wide) - dot);
            if (has_bias) store(dbias - n, load(dbias - n) + slope);
            store(ds + n * b->wide, slope * b->sizes->scale);
        }
    }
}

/// Rows `first` to `end` of those of all keys: c = weights x, or c adds it.
INLINE void rows_product(const block *b, float *c, int64_t ldc, const float *weights, matrix x, int64_t first,
                         int64_t end, bool adds) {
    k_product(c + first * ldc, ldc, weights + (first - b->first) * b->wide, b->wide, 1, x.x, x.ld, end - first,
              b->count, b->sizes->head_size, NULL, adds);
}

/// The gradient of the keys that are seen: that of keys that no earlier block has seen is overwritten.
INLINE void key_product(const block *b, const gradients *g, float *c, int64_t ldc, const float *weights, matrix x) {
    int64_t end = b->first + b->keys, middle = g->begun > b->first ? smaller(g->begun, end) : b->first;
    rows_product(b, c, ldc, weights, x, b->first, middle, true);
    rows_product(b, c, ldc, weights, x, middle, end, false);
}

KERNEL WIDE void k_attention_backward(float *dq, float *dk, float *dv, float *dbias, float *scratch,
                                      const float *dcontext, const float *q, const float *k, const float *v,
                                      const float *bias, const float *statistics, const int32_t *offsets,
                                      const k_attention_sizes *given, const uint32_t *rows, uint64_t key, float p) {
    // A copy: the compiler need not fear that results overwrite it.
    const k_attention_sizes sizes = *given;
    int64_t size = sizes.head_size, h = sizes.heads * size, group = sizes.heads / sizes.key_heads;
    for (int64_t s = 0; s < sizes.sequences; s++) {
        block b = sequence_block(&sizes, scratch, offsets, s, p);
        gradients g = sequence_gradients(&b);
        for (int64_t head = 0; head < sizes.heads; head++) {
            choose_head(&b, head, k, v, bias);
            ask_ahead(&b, dcontext, h, b.column);
            ask_ahead(&b, dq, sizes.ldq, b.column);
            ask_ahead(&b, dk, sizes.ldk, b.key_column);
            ask_ahead(&b, dv, sizes.ldv, b.key_column);
            float *head_dk = dk + b.start * sizes.ldk + b.key_column;
            float *head_dv = dv + b.start * sizes.ldv + b.key_column;
            g.dk = gathers(&b) ? g.dk_room : head_dk;
            g.dv = gathers(&b) ? g.dv_room : head_dv;
            g.lddk = gathers(&b) ? size : sizes.ldk;
            g.lddv = gathers(&b) ? size : sizes.ldv;
            if (dbias) memset(g.dbias, 0, (size_t)distances(b.length) * sizeof(float));
            // Heads that share a key head add to the gradient of the first of them.
            g.begun = head % group > 0 ? b.length : 0;
            for (int64_t query = 0; query < b.length; query += block_size) {
                int64_t row = b.start + query;
                choose_queries(&b, query, q, bias);
                g.dcontext = gathered(&b, g.dcontext_room, dcontext + row * h + b.column, h, b.count);
                transpose(g.transposed, b.wide, g.dcontext.x, g.dcontext.ld, b.count, size, 1);
                score_product(&b, g.gradient, seen(&b, b.v), g.transposed);
                find_statistics(&b, statistics);
                if (p > 0) {
                    choose_streams(&b, rows, key);
                    backward_weights(&b, &g, true, dbias);
                } else {
                    backward_weights(&b, &g, false, dbias);
                }
                key_product(&b, &g, g.dv, g.lddv, p > 0 ? g.dropped : b.scores, g.dcontext);
                key_product(&b, &g, g.dk, g.lddk, g.gradient, b.q);
                query_product(&b, dq + row * sizes.ldq + b.column, sizes.ldq, g.gradient, seen(&b, b.k), NULL);
                g.begun = b.first + b.keys > g.begun ? b.first + b.keys : g.begun;
            }
            if (gathers(&b) && (head + 1) % group == 0) {
                copy_rows(head_dk, sizes.ldk, g.dk_room, size, b.length, size);
                copy_rows(head_dv, sizes.ldv, g.dv_room, size, b.length, size);
            }
            if (dbias) {
                float *last = dbias + (sizes.bias_center + b.length - 1) * sizes.heads + head;
                for (int64_t n = 0; n < 2 * b.length - 1; n++) last[-n * sizes.heads] += g.dbias[n];
            }
        }
    }
}
