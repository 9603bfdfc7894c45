#pragma once

#include <string>

namespace millrace::event {

/// What a stream is besides that keeps records until its registered readers have them.
class HoldsForReaders {
 public:
  virtual ~HoldsForReaders() = default;
  /// Nothing of the topic is held back for this reader any more, until it is opened again. Nobody reads under its name
  /// meanwhile.
  virtual void ForgetReader(const std::string& reader, const std::string& topic) = 0;
};

}  // namespace millrace::event
