#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace millrace::query {

/// An immutable object of a store; its size is known beforehand.
struct KnownObject {
  std::string key;
  int64_t size = 0;
};

/// Data files that another process opens for this one, which may open none by itself.
struct BroughtFiles {
  std::string folder;    // below which their paths lie, by key; ends in '/'
  std::string uri_root;  // as DataFiles::uri_root
  /// Asks for them; when it returns they can be opened. Thread-safe.
  std::function<void(const std::vector<KnownObject>&)> bring;
};

}  // namespace millrace::query
