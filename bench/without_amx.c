// Keeps a program from AMX: Linux gives tile registers only to those who ask for them, and this asks in vain.
// compare_with_onnxruntime.py compiles it and preloads it where --isa names an instruction set without AMX.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

long syscall(long number, ...) {
  enum { kArchReqXcompPerm = 0x1023 };
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && a[0] == kArchReqXcompPerm) {
    errno = EOPNOTSUPP;
    return -1;
  }
  long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
