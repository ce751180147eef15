#include "batch.h"

#include "kept.h"
#include "output_pins.h"
#include "uart.h"

#define ANSWERS 4096u /* a power of two, since counters wrap */
#define PIECE 512u    /* 45 ms at 115200 baud */
#define LARGEST_DIGIT 9

__attribute__((section(".bss.kept_answers"))) static char answers[ANSWERS];

void batch_note(int32_t people)
{
    answers[kept.noted % ANSWERS] = (char)('0' + (people < LARGEST_DIGIT ? people : LARGEST_DIGIT));
    ++kept.noted;
    kept_seal();
}

void batch_report(void)
{
    if (kept.noted == kept.reported) {
        return;
    }
    uart_text("BATCH ");
    uart_number(kept.reported);
    uart_text(" ");
    uart_flush();
    kept.line = kept.reported;
    kept.reported = kept.noted;
    kept_seal();
}

void batch_resume(void)
{
    if (kept.sent != kept.reported) {
        kept.sent = kept.reported = kept.line;
        kept_seal();
    }
}

static uint32_t at_most(uint32_t number, uint32_t limit)
{
    return number < limit ? number : limit;
}

bool batch_send(void)
{
    if (kept.sent == kept.reported) {
        return false;
    }
    const uint32_t place = kept.sent % ANSWERS;
    const uint32_t count = at_most(kept.reported - kept.sent, at_most(PIECE, ANSWERS - place));
    uart_send(&answers[place], count);
    kept.sent += count;
    if (kept.sent != kept.reported) {
        kept_seal();
        return true;
    }
    uart_text("\n");
    uart_flush();
    kept_seal();
    output_pin_raise(RADIO_PIN);
    output_pin_lower(RADIO_PIN);
    return false;
}
