// Ctrl-C during a long run: the first asks, the second kills.
#pragma once

#include <memory>

#include <ocellus/base/export.h>

namespace ocellus {

/// While one lives, the first SIGINT only sets a flag, and the handler is gone then, so that a second one ends the
/// process. Guards may be nested: the inner ones share the flag of the outermost, which clears it. The destructor
/// restores what was installed before.
class OCELLUS_API InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool requested() const;  ///< whether a SIGINT has come

 private:
  struct Previous;
  std::unique_ptr<Previous> previous_;
};

}  // namespace ocellus
