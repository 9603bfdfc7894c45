#include "app/paged_output.h"

#include <algorithm>
#include <cstdlib>

namespace millrace::app {
namespace {

std::string PagerOfUser() {
  const char* chosen = std::getenv("PAGER");
  return chosen ? chosen : "less -S";
}

}  // namespace

PagedOutput::PagedOutput(int lines_max) : lines_max_(lines_max), pager_(PagerOfUser()) {}

PagedOutput::~PagedOutput() {
  if (pipe_) {
    ::pclose(pipe_);
  } else {
    std::fwrite(waiting_.data(), 1, waiting_.size(), stdout);
    std::fflush(stdout);
  }
}

bool PagedOutput::Page() {
  if (pager_.empty() || lines_max_ <= 0) {
    std::fwrite(waiting_.data(), 1, waiting_.size(), stdout);
    waiting_.clear();
    return true;
  }
  if (!pipe_) {
    std::fflush(stdout);
    pipe_ = ::popen(pager_.c_str(), "w");
    if (!pipe_) return false;
  }
  left_ = std::fwrite(waiting_.data(), 1, waiting_.size(), pipe_) != waiting_.size() || std::fflush(pipe_) != 0;
  waiting_.clear();
  return !left_;
}

PagedOutput::int_type PagedOutput::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char one = traits_type::to_char_type(c);
  return xsputn(&one, 1) == 1 ? c : traits_type::eof();
}

std::streamsize PagedOutput::xsputn(const char* text, std::streamsize size) {
  if (left_) return 0;
  waiting_.append(text, static_cast<size_t>(size));
  lines_ += static_cast<int>(std::count(text, text + size, '\n'));
  if (lines_ < lines_max_ - 1 && lines_max_ > 0) return size;
  return Page() ? size : 0;
}

}  // namespace millrace::app
