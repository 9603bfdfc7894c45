#pragma once

#include <string>

namespace millrace::io {

/// A library that is loaded while the program runs, and stays loaded: its own clean-up is left to the end of the
/// process, which other threads may outlive.
class SharedLibrary {
 public:
  enum class Binding {
    kNow,   // all of its functions at once
    kLazy,  // each at its first call
  };

  /// `file` as the loader looks for it. Error kUnavailable when it cannot be loaded: `what`, the reason, and `mend`.
  SharedLibrary(std::string file, Binding binding, const std::string& what, const std::string& mend);

  /// Error kUnavailable when there is no such function: it is too old; `known` is a version that will do.
  template <typename Function>
  void Find(const char* name, const char* known, Function*& function) const {
    function = reinterpret_cast<Function*>(Find(name, known));
  }

 private:
  void* Find(const char* name, const char* known) const;

  const std::string file_;
  void* const handle_;
};

}  // namespace millrace::io
