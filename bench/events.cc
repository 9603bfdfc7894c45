#include "bench/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace millrace::bench {
namespace {

template <size_t N>
std::string_view Pick(const std::array<std::string_view, N>& words, Random& random) {
  return words[random.Below(N)];
}

constexpr std::array<std::string_view, 8> kTypes{"click",  "view",   "add_to_cart", "purchase",
                                                 "search", "scroll", "login",       "logout"};
constexpr std::array<std::string_view, 10> kCountries{"DE", "US", "GB", "FR", "JP", "BR", "IN", "SE", "PL", "ES"};
constexpr std::array<std::string_view, 5> kSystems{"iOS", "Android", "Windows", "macOS", "Linux"};
constexpr std::array<std::string_view, 6> kModels{"iPhone 15",   "Pixel 8",     "Galaxy S24",
                                                  "ThinkPad X1", "MacBook Pro", "Xperia 5"};
constexpr std::array<std::string_view, 6> kShelves{"shoes",
                                                   "books",
                                                   "garden",
                                                   "electronics",
                                                   "toys",
                                                   "k\xC3\xBC"
                                                   "che"};
constexpr std::array<std::string_view, 8> kTitles{
    "Laufschuh Gr\xC3\xB6\xC3\x9F"
    "e 42",
    "Caf\xC3\xA9 cr\xC3\xA8me 250g",
    "USB-C cable 2m",
    "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xAE\xE6\x9C\xAC",
    R"(Wireless mouse \"Pro\")",
    "Notebook A5 dotted",
    R"(Fahrradhelm \u00fcber)",
    "Desk lamp LED"};

/// Writes one event after the other; some sessions go on over many of them.
class Shop {
 public:
  explicit Shop(const EventsOptions& options) : options_(options) {
    for (auto& session : sessions_) session = random_.Uuid();
  }

  void Append(size_t number, std::string& out) {
    members_.clear();
    const bool drifted = number >= options_.drift_from;
    auto& session = sessions_[random_.Below(sessions_.size())];
    if (random_.Below(97) == 0) session = random_.Uuid();
    Member(R"("event_id":"{}")", random_.Uuid());
    Member(R"("type":"{}")", Pick(kTypes, random_));
    Member(R"("user_id":{})", random_.Below(2'000'000));
    Member(R"("session_id":"{}")", session);
    Member(R"("ts":"{}")", Time());
    Member(R"("url":"/{}/p/{}")", Pick(kShelves, random_), random_.Below(200'000));
    if (random_.Below(8) < 5) {
      Member(R"("referrer":null)");
    } else {
      Member(R"("referrer":"https://www.google.com/?q={}")", Pick(kShelves, random_));
    }
    Member(R"("device":{{"os":"{}","model":"{}","app":"5.{}.{}"}})", Pick(kSystems, random_), Pick(kModels, random_),
           random_.Below(4), random_.Below(10));
    Member(R"("country":"{}")", Pick(kCountries, random_));
    Member(R"("price":{}.{:02})", random_.Below(500), random_.Below(100));
    Member(R"("qty":{})", drifted && random_.Below(100) == 0 ? 3'000'000'000u : random_.Below(5));
    Member(R"("title":"{}")", Pick(kTitles, random_));
    Member(R"("bot":{})", random_.Below(64) == 0);
    if (drifted) Member(R"("campaign":"c{}")", random_.Below(50));
    Write(out);
  }

 private:
  template <typename... Args>
  void Member(fmt::format_string<Args...> format, Args&&... args) {
    members_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  std::string Time() {
    milliseconds_ += static_cast<int64_t>(random_.Below(3));
    auto text = FormatTimestamp(Timestamp(std::chrono::milliseconds(milliseconds_)));
    if (text.size() == 20) return text.substr(0, 19) + ".000Z";
    return text.substr(0, 23) + "Z";
  }

  void Write(std::string& out) {
    if (options_.shuffled) {
      for (size_t i = members_.size(); i > 1; --i) std::swap(members_[i - 1], members_[random_.Below(i)]);
    }
    fmt::format_to(std::back_inserter(out), "{{{}}}\n", fmt::join(members_, ","));
  }

  const EventsOptions& options_;
  Random random_{42};
  int64_t milliseconds_ = 1'793'000'000'000;
  std::array<std::string, 1024> sessions_;
  std::vector<std::string> members_;
};

}  // namespace

std::string MakeEvents(const EventsOptions& options) {
  std::string out;
  out.reserve(options.count * 365 + 64);
  Shop shop(options);
  for (size_t i = 0; i < options.count; ++i) shop.Append(i, out);
  out.reserve(out.size() + 64);
  return out;
}

}  // namespace millrace::bench
