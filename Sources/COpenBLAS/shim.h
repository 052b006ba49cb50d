#include <cblas.h>

#ifdef __linux__
// Of builds with threads of their own: ends them. OpenBLAS has it for forks; in no header.
extern int blas_thread_shutdown_(void) __attribute__((weak));

/// Ends the threads that OpenBLAS starts when it is loaded, which look for work in a loop for a tenth of a second, and
/// lets each product run on the thread that asks for it.
static inline void openblas_without_threads(void) {
    if (blas_thread_shutdown_) blas_thread_shutdown_();
    openblas_set_num_threads(1);
}
#endif
