// The loops over floats. Every kernel is a plain function over pointers and sizes: it allocates nothing, keeps no
// state and reports no error; callers check sizes. Matrices are row-major and contiguous unless a stride is given.
// "adds into" means the destination already holds a value; everything else is overwritten.
#ifndef UNIEM_CKERNELS_H
#define UNIEM_CKERNELS_H

#include <stdbool.h>
#include <stdint.h>

// --- elementwise.c -------------------------------------------------------------------------------------------
/// y[i] += x[i]
void k_add_into(float *y, const float *x, int64_t n);
/// y[i] = a[i] + b[i]
void k_add(float *y, const float *a, const float *b, int64_t n);
/// y[i] *= factor
void k_scale_in_place(float *y, float factor, int64_t n);
/// y[i] is multiplied by each of `count` factors, one after the other
void k_scale_by_each(float *y, int64_t n, const float *factors, int64_t count);
/// y[i] = x[i] * factor
void k_scale(float *y, const float *x, float factor, int64_t n);
/// y [n, h]: every row becomes bias [h]
void k_fill_rows(float *y, const float *bias, int64_t n, int64_t h);
/// db [h] adds the column sums of dy [n, h]
void k_column_sums(float *db, const float *dy, int64_t n, int64_t h);
/// The sum of squares, in double.
double k_sum_of_squares(const float *x, int64_t n);
/// Whether every number is finite.
bool k_all_finite(const float *x, int64_t n);

// --- activation.c --------------------------------------------------------------------------------------------
/// Exact GELU: y = x * Phi(x)
/// slope (may be null) = the derivative, Phi(x) + x * phi(x).
void k_gelu_erf(float *y, float *slope, const float *x, int64_t n);
/// GELU by tanh ("gelu_new"): y = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
void k_gelu_tanh(float *y, float *slope, const float *x, int64_t n);
/// y = max(x, 0)
void k_relu_forward(float *y, const float *x, int64_t n);
/// dx = x > 0 ? dy : 0
void k_relu_backward(float *dx, const float *dy, const float *x, int64_t n);
void k_tanh_forward(float *y, const float *x, int64_t n);
void k_tanh_backward(float *dx, const float *dy, const float *x, int64_t n);
/// y = 1 / (1 + exp(-x))
void k_sigmoid_forward(float *y, const float *x, int64_t n);
void k_sigmoid_backward(float *dx, const float *dy, const float *x, int64_t n);

// --- dropout.c -----------------------------------------------------------------------------------------------
/// y [n, h] = x / (1 - p) where kept, else 0. Whether element (i, j) is kept is a pure function of key, rows[i]
/// and j, so it does not depend on how rows are grouped. Kept with probability 1 - p. y may be x. The backward pass
/// is the same function applied to dy.
void k_dropout(float *y, const float *x, int64_t n, int64_t h, const uint32_t *rows, uint64_t key, float p);

// --- layernorm.c ---------------------------------------------------------------------------------------------
/// Layer norm of z = dropout(x) + residual, row by row over h: y = normalized * weight + bias.
/// residual may be null (nothing added), p 0 (no dropout; rows unused). normalized [n, h] and rstd [n] are what the
/// backward pass needs, and may both be null.
void k_layer_norm_forward(float *y, float *normalized, float *rstd, const float *x, const float *residual,
                          const float *weight, const float *bias, int64_t n, int64_t h, float epsilon,
                          const uint32_t *rows, uint64_t key, float p);
/// dz [n, h] is the gradient of z. dweight and dbias [h] add; either may be null. dz may be null.
void k_layer_norm_backward(float *dz, float *dweight, float *dbias, const float *dy, const float *normalized,
                           const float *rstd, const float *weight, int64_t n, int64_t h);

// --- rmsnorm.c -----------------------------------------------------------------------------------------------
/// RMS norm row by row over h: y = x * rstd * weight with rstd = 1 / sqrt(mean(x^2) + epsilon). rstd [n] is what the
/// backward pass needs, and may be null.
void k_rms_norm_forward(float *y, float *rstd, const float *x, const float *weight, int64_t n, int64_t h,
                        float epsilon);
/// dx [n, h] is overwritten, may be null. dweight [h] adds, may be null.
void k_rms_norm_backward(float *dx, float *dweight, const float *dy, const float *x, const float *rstd,
                         const float *weight, int64_t n, int64_t h);

// --- gating.c ------------------------------------------------------------------------------------------------
/// y[i] = a[i] * b[i]
void k_multiply(float *y, const float *a, const float *b, int64_t n);
/// SiLU: y = x / (1 + exp(-x))
void k_silu_forward(float *y, const float *x, int64_t n);
void k_silu_backward(float *dx, const float *dy, const float *x, int64_t n);
/// y [n, count] = the columns from `first` of x [n, h]
void k_columns(float *y, const float *x, int64_t n, int64_t h, int64_t first, int64_t count);
/// The columns from `first` of dx [n, h] add dy [n, count].
void k_add_columns(float *dx, const float *dy, int64_t n, int64_t h, int64_t first, int64_t count);

// --- rotary.c ------------------------------------------------------------------------------------------------
/// Rotary positions: of each head of x [n, heads * size], the pairs (j, j + size / 2) are turned by the angle whose
/// cosine and sine stand in row positions[i] of the tables [positions, size / 2]. sign -1 turns back. y may be x.
void k_rotate(float *y, const float *x, const float *cosines, const float *sines, const int32_t *positions,
              int64_t n, int64_t heads, int64_t size, float sign);

// --- embedding.c ---------------------------------------------------------------------------------------------
/// y [n, h] = table[ids], or adds it where add is true.
void k_gather_rows(float *y, const float *table, const int32_t *ids, int64_t n, int64_t h, bool add);
/// dtable[ids[i]] adds dy[i].
void k_scatter_add_rows(float *dtable, const float *dy, const int32_t *ids, int64_t n, int64_t h);

// --- attention_forward.c, attention_backward.c ---------------------------------------------------------------
/// What attention is over: heads of queries, of which equally many neighbours share a key head. A query sees the keys
/// from `before` in front of it to `after` behind it in its sequence. bias_center is the row of `bias` for distance 0.
/// ldq, ldk and ldv are the row strides of q, k and v, and of their gradients.
typedef struct {
    int64_t sequences, heads, key_heads, head_size;
    int64_t ldq, ldk, ldv;
    int64_t before, after;
    int64_t bias_center;
    float scale;
} k_attention_sizes;
/// Floats of scratch memory that attention over sequences of at most `longest` tokens needs.
int64_t k_attention_scratch(int64_t longest, int64_t head_size);
/// Scaled dot-product attention within each sequence; q, context [T, heads * head_size], k, v [T, key_heads *
/// head_size]; sequence s has rows offsets[s] ..< offsets[s + 1]. context = dropout(softmax(q k^T * scale + bias)) v.
/// bias (may be null) [distances, heads]: row bias_center + j - i is added to the scores of query i and key j.
/// statistics [2 * T * heads] (for backward, may be null): the largest score and 1 / the sum of the softmax of each
/// query and head.
void k_attention_forward(float *context, float *statistics, float *scratch, const float *q, const float *k,
                         const float *v, const float *bias, const int32_t *offsets, const k_attention_sizes *sizes,
                         const uint32_t *rows, uint64_t key, float p);
/// dq, dk, dv, shaped as q, k, v, are overwritten; dbias (may be null), shaped as bias, adds.
void k_attention_backward(float *dq, float *dk, float *dv, float *dbias, float *scratch, const float *dcontext,
                          const float *q, const float *k, const float *v, const float *bias, const float *statistics,
                          const int32_t *offsets, const k_attention_sizes *sizes, const uint32_t *rows, uint64_t key,
                          float p);

// --- pooling.c -----------------------------------------------------------------------------------------------
// The first `skip` rows of each sequence take no part, but at least its last row does; the rows left are skip + 1, ... L.
/// How the n rows left are weighted: equally (divided by n), by their numbers from 1 (divided by the sum of these), or
/// equally and divided by the root of n.
enum k_weights { K_WEIGHTS_MEAN, K_WEIGHTS_RAMP, K_WEIGHTS_ROOT };
/// out [sequences, h] = the weighted sum of rows of x [T, h] of each sequence.
void k_pool_mean_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h,
                         int64_t skip, enum k_weights weights);
void k_pool_mean_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences, int64_t h,
                          int64_t skip, enum k_weights weights);
/// out = the first or the last row of each sequence.
void k_pool_row_forward(float *out, const float *x, const int32_t *offsets, int64_t sequences, int64_t h,
                        int64_t skip, bool last);
void k_pool_row_backward(float *dx, const float *dout, const int32_t *offsets, int64_t sequences, int64_t h,
                         int64_t skip, bool last);
/// out = the largest of each column of each sequence; places [sequences, h] = the row it stands in (the first where
/// several are equal), which gets the whole gradient.
void k_pool_max_forward(float *out, int32_t *places, const float *x, const int32_t *offsets, int64_t sequences,
                        int64_t h, int64_t skip);
void k_pool_max_backward(float *dx, const float *dout, const int32_t *places, int64_t rows, int64_t sequences,
                         int64_t h);

// --- losses.c (all in double) --------------------------------------------------------------------------------
/// y [n, d] = x / max(|x|, epsilon), norms [n] = |x| (not clamped), as torch.cosine_similarity.
void k_normalize_rows_forward(double *y, double *norms, const float *x, int64_t n, int64_t d, double epsilon);
/// dx [n, d] = the gradient through the normalization; the clamp passes gradients as torch's does.
void k_normalize_rows_backward(float *dx, const double *dy, const double *y, const double *norms, int64_t n,
                               int64_t d, double epsilon);
/// In-batch losses over logits = similarities / temperature. scores [n, m]; positives [n] holds each row's positive
/// score; column i of row i is the positive itself, and no negative, where own_diagonal. dscores [n, m] and
/// dpositives [n] are overwritten. Each returns the loss.
/// softmax: mean over rows of log(1 + sum over negatives exp((s_ij - p_i) / t)).
double k_softmax_loss(double *dscores, double *dpositives, const double *scores, const double *positives, int64_t n,
                      int64_t m, double temperature, bool own_diagonal);
/// sigmoid: mean over negatives of log(1 + exp((s_ij - p_i) / t)).
double k_sigmoid_loss(double *dscores, double *dpositives, const double *scores, const double *positives, int64_t n,
                      int64_t m, double temperature, bool own_diagonal);
/// CoSENT over scored pairs: log(1 + sum over labels_i < labels_j of exp((s_i - s_j) / t)).
double k_cosent_loss(double *dscores, const double *scores, const double *labels, int64_t n, double temperature);

// --- gemm.c --------------------------------------------------------------------------------------------------
/// Whether this processor has what the products below need; where not, only this and the sizes may be called.
bool k_gemm_is_fast(void);
/// Whether it can multiply pairs of half precision, and whether that is faster than float32.
bool k_gemm_has_pairs(void);
bool k_gemm_prefers_pairs(void);
/// Floats that hold b [k, n] in panels.
int64_t k_gemm_panels(int64_t k, int64_t n);
/// Floats that hold a [m, k] in strips.
int64_t k_gemm_strips(int64_t m, int64_t k);
/// Floats that k_gemm_laying_out needs to lay out b [k, n].
int64_t k_gemm_panel_part(int64_t k);
/// Floats that it needs to lay out a [m, k].
int64_t k_gemm_rows_part(int64_t m, int64_t k);
/// Lays out b [k, n] in panels; transposed: b is given as [n, k]. ldb is the length of its rows in memory. rounds: to
/// bfloat16.
void k_gemm_pack_b(float *panels, const float *b, int64_t ldb, bool transposed, bool rounds, int64_t k, int64_t n);
/// Lays out a [m, k], given as [k, m], in strips. lda is the length of its rows in memory. sums [m] (may be null) adds
/// the sums over k, of numbers that are not rounded.
void k_gemm_pack_a(float *strips, float *sums, const float *a, int64_t lda, bool rounds, int64_t m, int64_t k);
/// Panels or strips in groups [k, 64] or [k, 12] become groups of pairs [(k + 1) / 2, ..]: two neighbours along k,
/// rounded to bfloat16, in one float's place. NaN may become infinite. to may be from.
void k_gemm_pair_rows(float *to, const float *from, int64_t groups, int64_t k, bool strips);
/// to [m, (k + 1) / 2] = pairs of neighbours in the rows of from [m, k].
void k_gemm_pair_columns(float *to, const float *from, int64_t m, int64_t k);
/// c [m, n] = factor * a b + bias, or adds factor * a b; bias [n] may be null, else factor is 1 and nothing is added to.
/// a [m, k] is given in strips, or as it is with rows of length lda; where pairs, k and lda count them. b is given in
/// panels.
void k_gemm(float *c, int64_t ldc, const float *a, int64_t lda, bool strips, const float *panels, bool pairs,
            int64_t m, int64_t k, int64_t n, float factor, const float *bias, bool adds);

/// As k_gemm with a factor of 1, to the bit, from b as it is: [k, n] with rows of length ldb, or the transpose of
/// [n, k]. A part of a panel at a time is laid out in `panel`, which has room for k_gemm_panel_part(k); rounds and pairs
/// say how. a is given as it is, its lda counts pairs, k numbers; rounds without pairs: a part of it at a time is rounded
/// in `rows`, which has room for k_gemm_rows_part(m, k), or nothing is where that is null.
void k_gemm_laying_out(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t ldb, bool transposed,
                       bool rounds, bool pairs, float *panel, float *rows, int64_t m, int64_t k, int64_t n,
                       const float *bias, bool adds);

// --- adamw.c -------------------------------------------------------------------------------------------------
/// One AdamW step as torch.optim.AdamW: decay p by (1 - rate * decay), then Adam with bias corrections
/// correction1 = 1 - beta1^t and correction2 = 1 - beta2^t. gradient null means all zero.
void k_adamw(float *p, float *m, float *v, const float *gradient, int64_t n, double rate, double beta1, double beta2,
             double epsilon, double decay, double correction1, double correction2);

// --- convert.c -----------------------------------------------------------------------------------------------
/// Widen from little-endian bytes that need not be aligned.
void k_from_f16(float *y, const void *x, int64_t n);
void k_from_bf16(float *y, const void *x, int64_t n);
void k_from_f64(float *y, const void *x, int64_t n);
/// y[i] = x[i] rounded to bfloat16, to the nearest even. y may be x.
void k_round_bf16(float *y, const float *x, int64_t n);

/// Tells the processor that this thread waits for another in a loop.
static inline void k_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
