namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// The cycle counter of the data watchpoint and trace unit: DWT_CTRL.CYCCNTENA and DWT_CYCCNT of ARMv7-M
    /// (DDI 0403E, C1.8). It counts the core's cycles at whatever clock the core runs, and stands still in sleep.
    /// Comparators and the other counters read zero.
    /// </summary>
    public class CycleCounter
    {
        public CycleCounter(CoreClock core)
        {
            this.core = core;
        }

        public void Reset()
        {
            control = 0;
            heldCount = 0;
        }

        public uint Read(long offset)
        {
            return offset == CycleCount ? Count() : offset == Control ? control : 0;
        }

        public void Write(long offset, uint value)
        {
            if(offset == CycleCount)
            {
                Set(value);
            }
            else if(offset == Control)
            {
                Set(Count());
                control = value & Enable;
            }
        }

        private void Set(uint value)
        {
            heldCount = value;
            cyclesAtZero = core.Cycles - value;
        }

        private uint Count()
        {
            return (control & Enable) != 0 ? unchecked((uint)(long)(core.Cycles - cyclesAtZero)) : heldCount;
        }

        private double cyclesAtZero;
        private uint control;
        private uint heldCount;
        private readonly CoreClock core;

        private const long Control = 0x0;
        private const long CycleCount = 0x4;
        private const uint Enable = 1;
    }
}
