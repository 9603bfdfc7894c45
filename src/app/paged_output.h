#pragma once

#include <cstdio>
#include <memory>
#include <streambuf>
#include <string>

namespace millrace::app {

/// Text for a terminal: what fits on the screen is printed at the end, what does not goes through $PAGER as it comes,
/// or `less -S` where that is not set; an empty one: nothing is paged. Needs SIGPIPE to be ignored.
class PagedOutput final : public std::streambuf {
 public:
  /// `lines_max`: of the screen.
  explicit PagedOutput(int lines_max);
  ~PagedOutput() override;
  PagedOutput(const PagedOutput&) = delete;
  PagedOutput& operator=(const PagedOutput&) = delete;

  /// Who read the pages has had enough: what is still to come is not wanted.
  bool left() const { return left_; }

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;

 private:
  bool Page();

  const int lines_max_;
  const std::string pager_;
  int lines_ = 0;
  std::string waiting_;
  FILE* pipe_ = nullptr;
  bool left_ = false;
};

}  // namespace millrace::app
