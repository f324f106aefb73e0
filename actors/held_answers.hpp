// Who waits for his own record to be in the books: providers before they send, and supervisors for an answer
// that has come. Belongs to one actor and runs on its thread.
#pragma once

#include <weir/messages.hpp>

#include <caf/typed_response_promise.hpp>

#include <cstdint>
#include <deque>
#include <variant>

namespace weir::actors {

class held_answers {
public:
  using booked_promise = caf::typed_response_promise<booked>;
  using end_promise = caf::typed_response_promise<attempt_end>;

  held_answers() = default;
  held_answers(const held_answers&) = delete;
  held_answers& operator=(const held_answers&) = delete;
  /// Nobody is left without an answer: ends of attempts are passed on, and whoever only booked is refused.
  ~held_answers();

  /// Answers are held by the number of their record; numbers only grow.
  void hold(std::uint64_t number, booked_promise who, bool is_intent);
  void hold(std::uint64_t number, end_promise who, attempt_end end);

  /// Answers all up to a number: their records are in the books.
  void release(std::uint64_t number);
  /// Answers all, whether or not.
  void release_all();
  /// Refuses every intent that is held: what it announces must not be sent.
  void refuse_intents(const failure& why);
  /// The record of this number will never be in the books. The end of an attempt is passed on all the same.
  void refuse(std::uint64_t number, const failure& why);

private:
  struct of_record {
    booked_promise who;
    bool is_intent = false;
  };
  struct of_attempt {
    end_promise who;
    attempt_end end;
  };
  struct entry {
    std::uint64_t number = 0;
    std::variant<of_record, of_attempt> what;
  };

  static void answer(entry& each);

  std::deque<entry> held_;
};

} // namespace weir::actors
