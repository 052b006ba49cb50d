import Testing
import Tracking

/// The expected lines are what tqdm 4.70.1's `format_meter` returns for the same numbers.
@Suite struct ProgressBarTests {
    let loss = "Epoch 1/3 - loss: 0.1234"

    @Test func tenColumnsWhereTheWidthIsUnknown() {
        let bar = ProgressBar(description: loss, done: 37, total: 82, elapsed: 12.3)
        #expect(
            bar.text(width: 0, style: .ascii)
                == "Epoch 1/3 - loss: 0.1234:  45%|####5     | 37/82 [00:12<00:14,  3.01it/s]")
        #expect(
            bar.text(width: 0, style: .blocks)
                == "Epoch 1/3 - loss: 0.1234:  45%|████▌     | 37/82 [00:12<00:14,  3.01it/s]")
        #expect(bar.plainText == "Epoch 1/3 - loss: 0.1234:  45% 37/82 [00:12<00:14,  3.01it/s]")
    }

    @Test func fillsTheWidth() {
        let bar = ProgressBar(description: loss, done: 37, total: 82, elapsed: 12.3)
        let text = bar.text(width: 100, style: .blocks)
        #expect(text.unicodeScalars.count == 100)
        #expect(
            text == "Epoch 1/3 - loss: 0.1234:  45%|████████████████▋                    "
                + "| 37/82 [00:12<00:14,  3.01it/s]")
        #expect(bar.text(width: 20, style: .ascii) == "Epoch 1/3 - loss: 0.")
    }

    @Test func beginningAndEnd() {
        #expect(
            ProgressBar(description: "x", done: 0, total: 82, elapsed: 0)
                .text(width: 0, style: .ascii) == "x:   0%|          | 0/82 [00:00<?, ?it/s]")
        #expect(
            ProgressBar(description: "x", done: 82, total: 82, elapsed: 8200)
                .text(width: 0, style: .ascii)
                == "x: 100%|##########| 82/82 [2:16:40<00:00, 100.00s/it]")
        #expect(
            ProgressBar(description: "x", done: 0, total: 0, elapsed: 1)
                .text(width: 0, style: .ascii) == "x: 100%|##########| 0/0 [00:01<?, ?it/s]")
    }

    @Test func resumedStepsDoNotCountForTheRate() {
        let bar = ProgressBar(description: "x", done: 60, total: 80, initial: 50, elapsed: 5)
        #expect(bar.plainText == "x:  75% 60/80 [00:05<00:10,  2.00it/s]")
    }
}
