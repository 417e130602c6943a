#include "interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "q8/output_file.h"

namespace q8::cli {

std::stop_token stop_on_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::stop_source source;
  std::stop_token token = source.get_token();
  std::thread([signals, source = std::move(source)]() mutable {
    int signal = 0;
    sigwait(&signals, &signal);
    source.request_stop();
    sigwait(&signals, &signal);
    abandon_output_files();
    _exit(130);
  }).detach();
  return token;
}

}  // namespace q8::cli
