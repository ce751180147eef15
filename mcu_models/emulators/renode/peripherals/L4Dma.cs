using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>A peripheral that a DMA channel may wait for.</summary>
    public interface IDmaClient
    {
        /// <summary>Ask the controller again: a channel has been switched on.</summary>
        void DmaReady();
    }

    /// <summary>
    /// The DMA controller with seven channels of the STM32L4 (RM0351, chapter 11): a channel moves one item whenever
    /// the peripheral behind CPAR asks for it, counts CNDTR down, and raises half and complete. Which of the eight
    /// requests CSELR chooses is not checked: a channel serves the peripheral whose data register CPAR names. Memory
    /// to memory is copied at once. Priorities and bus contention are not modelled.
    /// </summary>
    public class L4Dma : TimedRegisters, INumberedGPIOOutput
    {
        public L4Dma(IMachine machine, CoreClock core) : base(core)
        {
            this.machine = machine;
            Connections = Enumerable.Range(0, Channels).ToDictionary(i => i, i => (IGPIO)new GPIO());
        }

        public override void Reset()
        {
            base.Reset();
            for(var channel = 0; channel < Channels; channel++)
            {
                left[channel] = 0;
                Connections[channel].Unset();
            }
        }

        public void Attach(IDmaClient client)
        {
            clients.Add(client);
        }

        /// <summary>Moves one item of the channel that is connected to a data register; false if there is none.</summary>
        public bool Request(ulong dataRegister)
        {
            var channel = ChannelOf(dataRegister);
            if(channel < 0)
            {
                return false;
            }
            MoveOne(channel, this[Place(channel, Control)]);
            return true;
        }

        /// <summary>Tells whether a channel is ready to take so many items from a data register.</summary>
        public bool Takes(ulong dataRegister, int items)
        {
            var channel = ChannelOf(dataRegister);
            return channel >= 0 && left[channel] >= items;
        }

        public override uint ReadDoubleWord(long offset)
        {
            int channel;
            if(offset == FlagClear)
            {
                return 0;
            }
            if(IsOfChannel(offset, Count, out channel) && (this[Place(channel, Control)] & Enable) != 0)
            {
                return left[channel];
            }
            return base.ReadDoubleWord(offset);
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            int channel;
            if(offset == FlagClear)
            {
                Clear(value);
            }
            else if(IsOfChannel(offset, Control, out channel))
            {
                SetControl(channel, value);
            }
            else if(offset != Flags)
            {
                base.WriteDoubleWord(offset, value);
            }
        }

        public IReadOnlyDictionary<int, IGPIO> Connections { get; }

        private int ChannelOf(ulong dataRegister)
        {
            for(var channel = 0; channel < Channels; channel++)
            {
                var isOn = (this[Place(channel, Control)] & (Enable | MemoryToMemory)) == Enable;
                if(isOn && left[channel] > 0 && this[Place(channel, PeripheralAddress)] == dataRegister)
                {
                    return channel;
                }
            }
            return -1;
        }

        private void SetControl(int channel, uint value)
        {
            var place = Place(channel, Control);
            var wasOn = Has(place, Enable);
            this[place] = value;
            Update(channel);
            if(wasOn && (value & Enable) == 0)
            {
                this[Place(channel, Count)] = left[channel];
            }
            else if(!wasOn && (value & Enable) != 0)
            {
                left[channel] = this[Place(channel, Count)] & 0xFFFF;
                if((value & MemoryToMemory) != 0)
                {
                    while(left[channel] > 0)
                    {
                        MoveOne(channel, value);
                    }
                    return;
                }
                foreach(var client in clients)
                {
                    client.DmaReady();
                }
            }
        }

        private void MoveOne(int channel, uint control)
        {
            var total = this[Place(channel, Count)] & 0xFFFF;
            var done = total - left[channel];
            var memory = Address(channel, MemoryAddress, done, (control & MemoryIncrement) != 0, (control >> 10) & 3);
            var peripheral = Address(channel, PeripheralAddress, done, (control & PeripheralIncrement) != 0, (control >> 8) & 3);
            if((control & FromMemory) != 0)
            {
                Write(peripheral, (control >> 8) & 3, Read(memory, (control >> 10) & 3));
            }
            else
            {
                Write(memory, (control >> 10) & 3, Read(peripheral, (control >> 8) & 3));
            }
            left[channel]--;
            var flags = (left[channel] == total / 2 ? HalfFlag : 0u) | (left[channel] == 0 ? CompleteFlag : 0u);
            if(left[channel] == 0 && (control & (Circular | MemoryToMemory)) == Circular)
            {
                left[channel] = total;
            }
            if(flags != 0)
            {
                this[Flags] |= (flags | GlobalFlag) << (4 * channel);
                Update(channel);
            }
        }

        private ulong Address(int channel, long register, uint done, bool increments, uint width)
        {
            return this[Place(channel, register)] + (increments ? done << (int)width : 0);
        }

        private uint Read(ulong address, uint width)
        {
            var bus = machine.GetSystemBus(this);
            return width == 0 ? bus.ReadByte(address) : width == 1 ? bus.ReadWord(address) : bus.ReadDoubleWord(address);
        }

        private void Write(ulong address, uint width, uint value)
        {
            var bus = machine.GetSystemBus(this);
            if(width == 0)
            {
                bus.WriteByte(address, (byte)value);
            }
            else if(width == 1)
            {
                bus.WriteWord(address, (ushort)value);
            }
            else
            {
                bus.WriteDoubleWord(address, value);
            }
        }

        private void Clear(uint value)
        {
            for(var channel = 0; channel < Channels; channel++)
            {
                var shift = 4 * channel;
                var cleared = (value >> shift & GlobalFlag) != 0 ? 0xFu : value >> shift & 0xE;
                var remaining = this[Flags] >> shift & ~cleared & 0xE;
                remaining |= remaining != 0 ? GlobalFlag : 0;
                this[Flags] = (this[Flags] & ~(0xFu << shift)) | remaining << shift;
                Update(channel);
            }
        }

        private void Update(int channel)
        {
            var flags = this[Flags] >> (4 * channel);
            // The enable bits TCIE, HTIE and TEIE stand at the places of their flags.
            Connections[channel].Set((flags & this[Place(channel, Control)] & 0xE) != 0);
        }

        private static bool IsOfChannel(long offset, long register, out int channel)
        {
            channel = (int)((offset - First) / Stride);
            return offset >= First && channel < Channels && (offset - First) % Stride == register;
        }

        private static long Place(int channel, long register)
        {
            return First + Stride * channel + register;
        }

        private readonly uint[] left = new uint[Channels];
        private readonly List<IDmaClient> clients = new List<IDmaClient>();
        private readonly IMachine machine;

        private const int Channels = 7;
        private const long Flags = 0x00;
        private const long FlagClear = 0x04;
        private const long First = 0x08;
        private const long Stride = 0x14;
        private const long Control = 0x0;
        private const long Count = 0x4;
        private const long PeripheralAddress = 0x8;
        private const long MemoryAddress = 0xC;
        private const uint Enable = 1;
        private const uint FromMemory = 1u << 4;
        private const uint Circular = 1u << 5;
        private const uint PeripheralIncrement = 1u << 6;
        private const uint MemoryIncrement = 1u << 7;
        private const uint MemoryToMemory = 1u << 14;
        private const uint GlobalFlag = 1;
        private const uint CompleteFlag = 2;
        private const uint HalfFlag = 4;
    }
}
