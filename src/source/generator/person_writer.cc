#include "source/generator/row_writer.h"
#include "source/generator/text_writer.h"

namespace millrace::source {
namespace {

constexpr std::array<std::string_view, 12> kWomen{"Ada",  "Grace",  "Hedy",          "Mary",       "Joan", "Lise",
                                                  "Rosa", "Ingrid", "Am\xc3\xa9lie", "Zo\xc3\xab", "Yuki", "Fatima"};
constexpr std::array<std::string_view, 12> kMen{"Alan",        "Edsger", "Niklaus", "Dennis", "Ken",  "Bj\xc3\xb8rn",
                                                "Jos\xc3\xa9", "Omar",   "Kenji",   "Piotr",  "Sven", "Rahul"};
constexpr std::array<std::string_view, 14> kFamilies{"Lovelace",
                                                     "Hopper",
                                                     "Turing",
                                                     "Dijkstra",
                                                     "Wirth",
                                                     "Ritchie",
                                                     "M\xc3\xbcller",
                                                     "Garc\xc3\xad"
                                                     "a",
                                                     "Nakamura",
                                                     "Kowalski",
                                                     "Andersson",
                                                     "O'Brien",
                                                     "Silva",
                                                     "Khan"};
constexpr std::array<std::string_view, 6> kStreets{"Mill Lane",
                                                   "High Street",
                                                   "Hauptstra\xc3\x9f"
                                                   "e",
                                                   "Rue de la Paix",
                                                   "Via Roma",
                                                   "Storgatan"};
constexpr std::array<std::string_view, 6> kCities{"London, Greater London, United Kingdom",
                                                  "Berlin, Berlin, Germany",
                                                  "Lyon, Rh\xc3\xb4ne, France",
                                                  "Turin, Piedmont, Italy",
                                                  "Malm\xc3\xb6, Sk\xc3\xa5ne, Sweden",
                                                  "Portland, Oregon, United States"};
constexpr std::chrono::sys_days kOldestBirth{std::chrono::year(1945) / 1 / 1};
constexpr std::chrono::sys_days kFirstRegistration{std::chrono::year(2015) / 1 / 1};

/// A moment within `days` days from `first` on, to the millisecond.
Timestamp Moment(Random& random, std::chrono::sys_days first, uint64_t days) {
  return first + std::chrono::milliseconds(static_cast<int64_t>(random.Below(days * 86'400'000)));
}

/// Letters a-z of a name, lower case: what user names are made of.
void Plain(std::string_view name, TextWriter& out) {
  for (const char c : name) {
    if (c >= 'a' && c <= 'z') out.Char(c);
    if (c >= 'A' && c <= 'Z') out.Char(static_cast<char>(c - 'A' + 'a'));
  }
}

class UserWriter final : public RowWriter {
 public:
  explicit UserWriter(uint64_t seed) : seed_(seed) {}

  char* Write(const Row& row, char* to) override {
    Random random = RandomOfRow(seed_, row.number);
    const bool woman = random.Below(2) == 0;
    const auto first = woman ? Pick(random, kWomen) : Pick(random, kMen);
    const auto last = Pick(random, kFamilies);
    const uint64_t suffix = random.Below(10'000);
    TextWriter out(to);
    out.Text("{\"id\":\"").Uuid(random);
    out.Text("\",\"first_name\":\"").Text(first).Text("\",\"last_name\":\"").Text(last);
    out.Text("\",\"gender\":\"").Text(woman ? "female" : "male");
    out.Text("\",\"address\":\"").Number(1 + random.Below(200)).Char(' ').Text(Pick(random, kStreets)).Text(", ");
    out.Text(Pick(random, kCities)).Text("\",\"post_code\":\"").Digits(random.Below(100'000), 5);
    out.Text("\",\"email\":\"");
    Plain(first, out);
    out.Char('.');
    Plain(last, out);
    out.Number(suffix).Text("@example.com\",\"username\":\"");
    Plain(first, out);
    out.Number(suffix);
    out.Text("\",\"dob\":\"").Time(Moment(random, kOldestBirth, 60 * 365));
    out.Text("\",\"registered_date\":\"").Time(Moment(random, kFirstRegistration, 10 * 365));
    out.Text("\",\"phone\":\"(").Digits(random.Below(1000), 3).Text(") 555-").Digits(random.Below(10'000), 4);
    out.Text("\",\"picture\":\"https://example.com/portraits/").Text(woman ? "women/" : "men/");
    out.Number(random.Below(100)).Text(".jpg\"}");
    return out.end();
  }

 private:
  uint64_t seed_;
};

constexpr std::array<std::string_view, 4> kBrands{"Visa", "Mastercard", "Amex", "Discover"};
constexpr std::array<std::string_view, 3> kCardTypes{"Debit", "Credit", "Debit (Prepaid)"};

class CardWriter final : public RowWriter {
 public:
  explicit CardWriter(uint64_t seed) : seed_(seed) {}

  char* Write(const Row& row, char* to) override {
    Random random = RandomOfRow(seed_, row.number);
    TextWriter out(to);
    out.Text("{\"id\":").Number(row.number).Text(",\"client_id\":").Number(random.Below(2'000));
    out.Text(",\"card_brand\":\"").Text(Pick(random, kBrands));
    out.Text("\",\"card_type\":\"").Text(Pick(random, kCardTypes));
    // Text, as card numbers are: sixteen digits that no issuer hands out.
    out.Text("\",\"card_number\":\"0000").Digits(random.Below(1'000'000'000'000), 12);
    out.Text("\",\"expires\":\"").Digits(1 + random.Below(12), 2).Char('/').Number(2027 + random.Below(6));
    out.Text("\",\"cvv\":\"").Digits(random.Below(1000), 3);
    out.Text("\",\"has_chip\":").Text(random.Below(10) < 9 ? "true" : "false");
    out.Text(",\"num_cards_issued\":").Number(1 + random.Below(3));
    out.Text(",\"credit_limit\":").Number(100 * random.Below(500));
    out.Text(",\"acct_open_date\":\"").Date(Moment(random, kFirstRegistration, 10 * 365));
    out.Text("\",\"year_pin_last_changed\":").Number(2010 + random.Below(16));
    out.Text(",\"card_on_dark_web\":false}");
    return out.end();
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<RowWriter> MakeUserWriter(uint64_t seed) { return std::make_unique<UserWriter>(seed); }
std::unique_ptr<RowWriter> MakeCardWriter(uint64_t seed) { return std::make_unique<CardWriter>(seed); }

}  // namespace millrace::source
