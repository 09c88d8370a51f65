// Handle: a shared object of a class hierarchy, convertible from any value or shared_ptr of a derived class.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

namespace ocellus {

/// Holds an object of a class derived from Base; copies share it. An optimiser, schedule, metric or callback goes into
/// a config struct as a value: `.optimizer = optim::Adam({.lr = 1e-3})`.
template <class Base>
class Handle {
 public:
  Handle() = default;  ///< empty: `!handle`
  template <std::derived_from<Base> T>
  Handle(T value) : object_(std::make_shared<T>(std::move(value))) {}
  template <std::derived_from<Base> T>
  Handle(std::shared_ptr<T> object) : object_(std::move(object)) {}
  template <std::derived_from<Base> T>
  Handle(std::unique_ptr<T> object) : object_(std::move(object)) {}

  explicit operator bool() const { return object_ != nullptr; }
  Base* operator->() const { return object_.get(); }
  Base& operator*() const { return *object_; }
  Base* get() const { return object_.get(); }
  const std::shared_ptr<Base>& shared() const { return object_; }

 private:
  std::shared_ptr<Base> object_;
};

}  // namespace ocellus
