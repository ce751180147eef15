using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// PWR of the STM32L4 and L4+ (RM0351 and RM0432, chapter 5): which low-power mode WFI with SLEEPDEEP enters, and
    /// registers that keep what is written. The voltage is always there at once; Standby and Shutdown are named in the
    /// time that is booked, but the chip does not reset when it leaves them.
    /// </summary>
    public class L4Pwr : TimedRegisters
    {
        public L4Pwr(IMachine machine, CoreClock core) : base(core)
        {
            SetResetValues();
        }

        public override void Reset()
        {
            base.Reset();
            SetResetValues();
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(offset == Status1 || offset == Status2)
            {
                return;
            }
            base.WriteDoubleWord(offset, value);
            if(offset == Control1)
            {
                Core.DeepSleepMode = modes[value & 7];
            }
        }

        private void SetResetValues()
        {
            this[Control1] = 0x200;
            this[0x08] = 0x8000;
            this[Status2] = 0x100;
            this[0x80] = 0x100;
            Core.DeepSleepMode = modes[0];
        }

        private static readonly string[] modes =
        {
            "stop0", "stop1", "stop2", "standby", "shutdown", "shutdown", "shutdown", "shutdown",
        };

        private const long Control1 = 0x00;
        private const long Status1 = 0x10;
        private const long Status2 = 0x14;
    }
}
