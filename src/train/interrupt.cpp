#include <ocellus/train/interrupt.h>

#include <signal.h>

#include <atomic>

namespace ocellus {
namespace {

// A signal handler is given nothing but the signal's number, so its flag can't live in an object.
std::atomic<bool> interrupted = false;
std::atomic<int> guards = 0;
static_assert(std::atomic<bool>::is_always_lock_free);

void handle(int) { interrupted = true; }

}  // namespace

struct InterruptGuard::Previous {
  struct sigaction action;
};

InterruptGuard::InterruptGuard() : previous_(std::make_unique<Previous>()) {
  if (guards++ == 0) {
    interrupted = false;
  } else if (interrupted) {
    ::sigaction(SIGINT, nullptr, &previous_->action);  // asked already: the next one must kill
    return;
  }
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &previous_->action);
}

InterruptGuard::~InterruptGuard() {
  if (--guards > 0 && interrupted) return;  // the outer guard's handler has done its work as well
  ::sigaction(SIGINT, &previous_->action, nullptr);
}

bool InterruptGuard::requested() const { return interrupted; }

}  // namespace ocellus
