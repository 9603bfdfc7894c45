#include "source/generator/row_writer.h"
#include "source/generator/text_writer.h"

namespace millrace::source {
namespace {

constexpr std::array<std::string_view, 8> kTypes{"click",  "view",   "add_to_cart", "purchase",
                                                 "search", "scroll", "login",       "logout"};
constexpr std::array<std::string_view, 10> kCountries{"DE", "US", "GB", "FR", "JP", "BR", "IN", "SE", "PL", "ES"};
constexpr std::array<std::string_view, 5> kSystems{"iOS", "Android", "Windows", "macOS", "Linux"};
constexpr std::array<std::string_view, 6> kModels{"iPhone 15",   "Pixel 8",     "Galaxy S24",
                                                  "ThinkPad X1", "MacBook Pro", "Xperia 5"};
constexpr std::array<std::string_view, 6> kCategories{"shoes",
                                                      "books",
                                                      "garden",
                                                      "elektronik",
                                                      "spielzeug",
                                                      "k\xc3\xbc"
                                                      "che"};
// Text as the web has it: escapes of both kinds, two to three bytes a letter.
constexpr std::array<std::string_view, 8> kTitles{
    "Laufschuh Gr\xc3\xb6\xc3\x9f"
    "e 42",
    "Caf\xc3\xa9 cr\xc3\xa8me 250g",
    "USB-C cable 2m",
    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe6\x9c\xac",
    "Wireless mouse \\\"Pro\\\"",
    "Notebook A5 dotted",
    "Fahrradhelm \\u00fcber",
    "Desk lamp LED"};
constexpr uint64_t kSessions = 1024;         // open at a time
constexpr uint64_t kRowsOfSession = 97;      // before another takes its place, on average
constexpr uint64_t kSessionSeed = 0x5E5510;  // sessions are drawn apart from rows

/// What visitors of a shop do.
class EventWriter final : public RowWriter {
 public:
  explicit EventWriter(uint64_t seed) : seed_(seed) {}

  char* Write(const Row& row, char* to) override {
    Random random = RandomOfRow(seed_, row.number);
    const uint64_t k = random.Next();
    TextWriter out(to);
    out.Text("{\"event_id\":\"").Uuid(random);
    out.Text("\",\"type\":\"").Text(kTypes[(k >> 3) % 8 & ((k >> 50) & 7)]);
    out.Text("\",\"user_id\":").Number(random.Below(2'000'000));
    out.Text(",\"session_id\":\"");
    Session(row.number, k, out);
    out.Text("\",\"ts\":\"").Time(row.time);
    out.Text("\",\"url\":\"/").Text(kCategories[(k >> 30) % 6]).Text("/p/").Number(random.Below(200'000));
    if (k >> 60 < 10) {
      out.Text("\",\"referrer\":null");
    } else {
      out.Text("\",\"referrer\":\"https://www.google.com/?q=").Text(kCategories[(k >> 33) % 6]).Char('"');
    }
    out.Text(",\"device\":{\"os\":\"").Text(kSystems[(k >> 36) % 5]);
    out.Text("\",\"model\":\"").Text(kModels[(k >> 39) % 6]);
    out.Text("\",\"app\":\"5.").Digits((k >> 42) % 4, 1).Char('.').Digits((k >> 44) % 10, 1);
    out.Text("\"},\"country\":\"").Text(kCountries[(k >> 48) % 10]);
    out.Text("\",\"price\":").Cents(random.Below(50'000)).Text(",\"qty\":").Digits(k % 5, 1);
    out.Text(",\"title\":\"").Text(kTitles[(k >> 55) % 8]);
    out.Text((k & 63) == 0 ? "\",\"bot\":true}" : "\",\"bot\":false}");
    return out.end();
  }

 private:
  void Session(uint64_t number, uint64_t k, TextWriter& out) const {
    const uint64_t slot = (k >> 20) % kSessions;
    // Slots change hands at different rows, so that at no row all sessions end.
    const uint64_t turn = (number + slot * kRowsOfSession) / (kSessions * kRowsOfSession);
    Random random = RandomOfRow(seed_ ^ kSessionSeed, turn * kSessions + slot);
    out.Uuid(random);
  }

  uint64_t seed_;
};

constexpr std::array<std::string_view, 6> kPages{"/", "/search", "/cart", "/checkout", "/account", "/help"};
constexpr std::array<std::string_view, 5> kElements{"button", "link", "image", "menu", "video"};

class ClickWriter final : public RowWriter {
 public:
  explicit ClickWriter(uint64_t seed) : seed_(seed) {}

  char* Write(const Row& row, char* to) override {
    Random random = RandomOfRow(seed_, row.number);
    TextWriter out(to);
    out.Text("{\"click_id\":\"").Uuid(random);
    out.Text("\",\"user_id\":").Number(random.Below(100'000));
    out.Text(",\"ts\":\"").Time(row.time);
    out.Text("\",\"page\":\"").Text(Pick(random, kPages));
    out.Text("\",\"element\":\"").Text(Pick(random, kElements));
    out.Text("\",\"x\":").Number(random.Below(1920)).Text(",\"y\":").Number(random.Below(1080));
    out.Text(",\"country\":\"").Text(Pick(random, kCountries));
    out.Text("\",\"dwell_ms\":").Number(random.Below(60'000)).Char('}');
    return out.end();
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<RowWriter> MakeEventWriter(uint64_t seed) { return std::make_unique<EventWriter>(seed); }
std::unique_ptr<RowWriter> MakeClickWriter(uint64_t seed) { return std::make_unique<ClickWriter>(seed); }

}  // namespace millrace::source
