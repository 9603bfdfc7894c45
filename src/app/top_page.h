#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::app {

/// What the tables are sorted by: numbers from the largest down, names from the first on.
enum class TopSort { kName, kLag, kAge, kIn, kOut, kRejected };
TopSort NextSort(TopSort sort);
std::string_view ToString(TopSort sort);

struct TopPageOptions {
  int width = 0;   // columns; 0: as many as it takes
  int height = 0;  // lines; 0: as many as it takes
  bool colours = false;
  TopSort sort = TopSort::kName;
  bool reversed = false;
  size_t skipped = 0;  // lines of the body that are above the screen
  bool paused = false;
  std::string trouble = {};  // why there is nothing newer; empty: there is
};

struct TopPage {
  std::vector<std::string> lines;
  size_t skipped_max = 0;  // with what is said of `skipped`: the end of the body is on the screen
};

/// `report` as TopReport builds it, as lines for a person. Where columns do not fit, the least needed are left out;
/// control characters are spelled, so nothing that a peer said reaches the terminal as one.
TopPage RenderTop(const nlohmann::ordered_json& report, const TopPageOptions& options);

}  // namespace millrace::app
