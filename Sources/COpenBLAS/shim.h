#include <cblas.h>

#ifdef __linux__
// Of builds with threads of their own: ends them. OpenBLAS has it for forks; in no header.
extern int blas_thread_shutdown_(void) __attribute__((weak));

/// Lets each product run on the thread that asks for it, and ends the threads that OpenBLAS starts when it is loaded,
/// which look for work in a loop for a tenth of a second. In this order: to set their number starts them anew.
static inline void openblas_without_threads(void) {
    openblas_set_num_threads(1);
    if (blas_thread_shutdown_) blas_thread_shutdown_();
}
#endif
